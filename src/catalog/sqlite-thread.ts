import { Worker } from 'node:worker_threads';
import { LiveMixError } from '../media/error.ts';
import type { SqliteProblem, SqliteReply, SqliteRequest, SqliteWorkerData } from './sqlite-messages.ts';

/** How long SQLite waits for a lock that another process holds. */
export const BUSY_TIMEOUT_MS = 5000;

export type SqliteRows = { readonly rows: readonly unknown[]; readonly changes: number };
type Waiting = { readonly resolve: (rows: SqliteRows) => void; readonly reject: (error: Error) => void };
type RequestBody = SqliteRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'id'>
    : never
  : never;

const WORKER = new URL('./sqlite-worker.js', import.meta.url);

/** A SQLite file in a thread of its own. Statements run in the order they are given. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #onLost: (error: Error) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #closing = false;
  #lost: Error | undefined;

  private constructor(file: string, onLost: (error: Error) => void, worker: URL) {
    this.#onLost = onLost;
    const workerData: SqliteWorkerData = { file, busyTimeoutMs: BUSY_TIMEOUT_MS };
    this.#worker = new Worker(worker, {
      workerData,
      // Node 22 and 24 warn that their own SQLite is new.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#lose(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#lose(new Error(`the catalog's thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Opens the file. Rejects when that cannot be done; `onLost` is told, once, when the thread ends by itself later. */
  static async open(file: string, onLost: (error: Error) => void, worker = WORKER): Promise<SqliteThread> {
    let opened = false;
    const thread = new SqliteThread(
      file,
      (error) => {
        if (opened) onLost(error);
      },
      worker,
    );
    try {
      await thread.#answerTo(0);
    } catch (error) {
      thread.#closing = true;
      await thread.#worker.terminate();
      throw error;
    }
    opened = true;
    return thread;
  }

  /** Runs one statement. Rejects with `db_busy` when another process held the database for too long. */
  run(statement: string, parameters: readonly unknown[]): Promise<SqliteRows> {
    return this.#ask({ statement, parameters });
  }

  /** Closes the file after all that was asked before, and ends the thread. */
  async close(): Promise<void> {
    if (this.#closing || this.#lost !== undefined) return this.#exited;
    const closed = this.#ask({ close: true });
    this.#closing = true;
    await closed;
    await this.#exited;
  }

  #ask(request: RequestBody): Promise<SqliteRows> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#closing) return Promise.reject(new Error('the catalog is closed'));
    const id = ++this.#lastId;
    this.#worker.postMessage({ id, ...request });
    return this.#answerTo(id);
  }

  #answerTo(id: number): Promise<SqliteRows> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(errorOf(reply.error));
    else waiting?.resolve(reply);
  }

  #lose(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = new Error(`the catalog is lost: ${error.message}`, { cause: error });
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
    if (!this.#closing) this.#onLost(this.#lost);
  }
}

const errorOf = ({ busy, message }: SqliteProblem): Error =>
  busy
    ? new LiveMixError('db_busy', 'another process holds the catalog', { retryAfter: 1 })
    : new Error(`SQLite: ${message}`);
