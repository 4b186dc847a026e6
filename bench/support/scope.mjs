/** What a bench has to undo, newest first. It is undone at the end, on a failure, on a signal, and when time is up. */
export class Scope {
  #undo = [];

  defer(undo) {
    this.#undo.push(undo);
  }

  async close() {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** Runs a bench with a scope of its own; it fails when it is not done in time. */
export async function withScope(maxSeconds, run) {
  const scope = new Scope();
  let stop;
  const stopped = new Promise((_, reject) => {
    stop = reject;
  });
  const signalled = (signal) => stop(new Error(`ended by ${signal}`));
  const timer = setTimeout(() => stop(new Error(`not done within ${maxSeconds} s`)), maxSeconds * 1000);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, signalled);
  try {
    return await Promise.race([run(scope), stopped]);
  } finally {
    clearTimeout(timer);
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, signalled);
    await scope.close();
  }
}
