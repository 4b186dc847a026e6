// @ts-check
// The thread that holds the SQLite file, so that a lock held by somebody else never stops the event loop.
// It is JavaScript: a worker is started from a file, and Node 20 starts none that is TypeScript, so this one
// file is the same when run from src/ and from dist/.
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @typedef {import('./sqlite-messages.ts').SqliteRequest} SqliteRequest
 * @typedef {import('./sqlite-messages.ts').SqliteReply} SqliteReply
 * @typedef {import('./sqlite-messages.ts').SqliteProblem} SqliteProblem
 * @typedef {{ all(...parameters: unknown[]): unknown[] }} Statement
 * @typedef {{ exec(sql: string): void, prepare(sql: string): Statement, close(): void }} Database
 */

/** The same API from Node itself (22.13 and later) or from a package with a prebuilt SQLite. */
// @ts-expect-error The types are those of Node 20, which has none of it.
const sqlite = await import('node:sqlite').catch(() => import('@photostructure/sqlite'));

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const MOST_PREPARED = 256;
const RETRY_MS = 20;

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const { file, busyTimeoutMs } = /** @type {import('./sqlite-messages.ts').SqliteWorkerData} */ (workerData);

/** @type {(reply: SqliteReply) => void} */
const reply = (message) => port.postMessage(message);

/** @type {(error: unknown) => SqliteProblem} */
function problemOf(error) {
  const { errcode, message } = /** @type {{ errcode?: number, message?: string }} */ (error);
  const code = (errcode ?? 0) & 0xff;
  const busy =
    code === SQLITE_BUSY ||
    code === SQLITE_LOCKED ||
    /^database (table |schema )?is locked/.test(message ?? '');
  return { busy, message: message ?? String(error) };
}

/**
 * Another process that opens a new file at the same moment makes this one fail at once: SQLite does not wait for
 * the lock that the change of mode needs.
 * @type {(database: Database) => void}
 */
function useWal(database) {
  for (let left = busyTimeoutMs; ; left -= RETRY_MS) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!problemOf(error).busy || left <= 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** @type {() => Database} */
function open() {
  const database = /** @type {Database} */ (/** @type {unknown} */ (new sqlite.DatabaseSync(file)));
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  useWal(database);
  // With NORMAL a power cut takes back what was acknowledged.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
  return database;
}

/** @type {Map<string, Statement>} */
const prepared = new Map();

/** @type {(database: Database, sql: string) => Statement} */
function prepare(database, sql) {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  if (prepared.size >= MOST_PREPARED) prepared.clear();
  const statement = database.prepare(sql);
  prepared.set(sql, statement);
  return statement;
}

/** @type {(database: Database, request: SqliteRequest) => void} */
function answer(database, request) {
  if ('close' in request) {
    prepared.clear();
    database.close();
    reply({ id: request.id, rows: [], changes: 0 });
    port.close();
    return;
  }
  const rows = prepare(database, request.statement).all(...request.parameters);
  const [counted] = /** @type {{ changes: number }[]} */ (
    prepare(database, 'select changes() as changes').all()
  );
  reply({ id: request.id, rows, changes: counted?.changes ?? 0 });
}

try {
  const database = open();
  reply({ id: 0, rows: [], changes: 0 });
  port.on('message', (/** @type {SqliteRequest} */ request) => {
    try {
      answer(database, request);
    } catch (error) {
      reply({ id: request.id, error: problemOf(error) });
    }
  });
} catch (error) {
  reply({ id: 0, error: problemOf(error) });
}
