/** What a node has opened, so that all of it is closed, in the reverse order, whatever happened in between. */
export class Scope {
  readonly #closers: (() => unknown)[] = [];

  /** Called when the scope closes. */
  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes what was opened, the newest first. All is closed, then the first failure is thrown. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
