/** What the catalog asks of its worker. `statement` may change rows or give some; `close` is the last message. */
export type SqliteRequest =
  | { readonly id: number; readonly statement: string; readonly parameters: readonly unknown[] }
  | { readonly id: number; readonly close: true };

/** What the worker answers, in the order it was asked; the answer with id 0 says that the file is open. */
export type SqliteReply =
  | { readonly id: number; readonly rows: readonly unknown[]; readonly changes: number }
  | { readonly id: number; readonly error: SqliteProblem };

/** `busy`: another process held the database for longer than the worker waits. */
export type SqliteProblem = { readonly busy: boolean; readonly message: string };

/** What the worker is started with. */
export type SqliteWorkerData = { readonly file: string; readonly busyTimeoutMs: number };
