import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { Kysely, sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/catalog/migrate.ts';
import { migrations } from '../../src/catalog/migrations.ts';
import { openCatalog } from '../../src/catalog/open-catalog.ts';
import { SqlCatalog } from '../../src/catalog/sql-catalog.ts';
import { SqliteThreadDialect } from '../../src/catalog/sqlite-dialect.ts';
import { SqliteThread } from '../../src/catalog/sqlite-thread.ts';
import type { Tables } from '../../src/catalog/tables.ts';
import { Turns } from '../../src/catalog/turns.ts';
import { millis } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { aSource, describeCatalog } from './catalog-contract.ts';
import { aRecording, aSegment, at } from './catalog-recordings-contract.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const clock = new SystemClock();
let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'livemix-catalog-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const newFile = () => join(folder, `${++files}`, 'catalog.db');
const openFile = (file: string) => openCatalog(`sqlite:${file}`, { clock });

describeCatalog('SQLite', async () => {
  const file = newFile();
  return () => openFile(file);
});

test.each([
  ['postgres://host/db', /not built yet/],
  ['sqlite:catalog.db', /not absolute/],
  ['sqlite:', /no catalog URL/],
  ['/var/lib/catalog.db', /Write sqlite:\/absolute/],
])('%s is refused with the mend', async (url, message) => {
  await expect(openCatalog(url, { clock })).rejects.toThrow(message);
});

test('a file that is no database is refused', async () => {
  const file = join(folder, 'text.db');
  await writeFile(file, 'this is no database, it is a text that is long enough to look like one'.repeat(20));
  await expect(openFile(file)).rejects.toThrow(/not a database/);
});

test('every commit is synced: WAL, synchronous FULL, foreign keys', async () => {
  const thread = await SqliteThread.open(join(folder, 'pragmas.db'), () => undefined);
  const one = async (name: string) =>
    Object.values((await thread.run(`pragma ${name}`, [])).rows[0] as object)[0];
  expect([await one('journal_mode'), await one('synchronous'), await one('foreign_keys')]).toEqual([
    'wal',
    2,
    1,
  ]);
  expect(await one('busy_timeout')).toBe(5000);
  await thread.close();
});

test('a lock held for two seconds by another process is waited for, and the event loop goes on', async () => {
  const file = newFile();
  const catalog = await openFile(file);
  const other = new DatabaseSync(file);
  other.exec('begin immediate');
  let longestGap = 0;
  let last = performance.now();
  const ticking = setInterval(() => {
    longestGap = Math.max(longestGap, performance.now() - last);
    last = performance.now();
  }, 5);
  const started = performance.now();
  const saved = catalog.saveSource(aSource());
  await sleep(2000);
  other.exec('commit');
  await saved;
  clearInterval(ticking);
  expect(performance.now() - started).toBeGreaterThan(1900);
  expect(longestGap).toBeLessThan(300);
  expect(await catalog.sources()).toEqual([aSource()]);
  other.close();
  await catalog.close();
});

test('a lock held for longer is db_busy, for all who wait, and passes', async () => {
  const file = newFile();
  const catalog = await openFile(file);
  const other = new DatabaseSync(file);
  other.exec('begin immediate');
  const started = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) => catalog.saveSource(aSource({ name: `camera-${index}` }))),
  );
  expect(performance.now() - started).toBeLessThan(9000);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'db_busy', status: 503 } });
  }
  other.exec('rollback');
  await catalog.saveSource(aSource());
  expect(await catalog.sources()).toEqual([aSource()]);
  other.close();
  await catalog.close();
});

test('a catalog of a newer LiveMix is refused and left alone', async () => {
  const file = newFile();
  await (await openFile(file)).close();
  const database = new DatabaseSync(file);
  database.exec(`insert into livemix_migration values ('9999-future', '2030-01-01T00:00:00.000Z')`);
  database.close();
  await expect(openFile(file)).rejects.toThrow(/newer LiveMix \(it has 9999-future\)\. Run that version/);
});

test('migrations happen all or not at all', async () => {
  const thread = await SqliteThread.open(join(folder, 'half.db'), () => undefined);
  const turns = new Turns({ clock, maxWaiting: 10, longest: millis(5000) });
  const database = new Kysely<never>({ dialect: new SqliteThreadDialect(thread, turns) });
  const broken = {
    ...migrations,
    '9999-broken': { up: async (db: Kysely<unknown>) => void (await sql`create tabel x`.execute(db)) },
  };
  await expect(migrate(database, broken)).rejects.toThrow(/syntax error/);
  const { rows } = await thread.run(`select name from sqlite_master where name = 'source'`, []);
  expect(rows).toEqual([]);
  await migrate(database);
  await database.destroy();
});

test('nodes that open a new catalog at once all get it', async () => {
  for (let round = 0; round < 5; round++) {
    const file = newFile();
    const catalogs = await Promise.all(Array.from({ length: 4 }, () => openFile(file)));
    await catalogs[0]?.saveSource(aSource());
    expect(await catalogs[3]?.sources()).toEqual([aSource()]);
    await Promise.all(catalogs.map((catalog) => catalog.close()));
  }
});

test('when the thread crashes, what was asked rejects and the loss is told once', async () => {
  const lost: Error[] = [];
  const crashing = new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      parentPort.postMessage({ id: 0, rows: [], changes: 0 });
      parentPort.on('message', () => { throw new Error('out of order'); });`)}`,
  );
  const thread = await SqliteThread.open('/none', (error) => lost.push(error), crashing);
  const asked = await Promise.allSettled([thread.run('select 1', []), thread.run('select 2', [])]);
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(thread.run('select 3', [])).rejects.toThrow('the catalog is lost: out of order');
  await thread.close();
  expect(lost.map(({ message }) => message)).toEqual(['the catalog is lost: out of order']);
});

test('a catalog of sources alone gets its other tables, and keeps its rows', async () => {
  const thread = await SqliteThread.open(join(folder, 'sources-only.db'), () => undefined);
  const turns = new Turns({ clock, maxWaiting: 10, longest: millis(5000) });
  const database = new Kysely<Tables>({ dialect: new SqliteThreadDialect(thread, turns) });
  await migrate(database, { '0001-sources': migrations['0001-sources']! });
  const kept = [
    aSource({ name: 'a', edge: undefined, multivariant: undefined }),
    aSource({ name: 'b', mode: 'off', multivariant: undefined }),
  ];
  for (const { name, edge, mode, spool, reservedSequence, reservedDiscontinuity, createdAt } of kept) {
    await sql`insert into source values (${name}, ${edge ?? null}, ${mode}, ${spool},
      ${reservedSequence}, ${reservedDiscontinuity}, ${createdAt})`.execute(database);
  }
  await database.destroy();
  const catalog = await openFile(join(folder, 'sources-only.db'));
  expect(await catalog.sources()).toEqual(kept);
  expect(await catalog.recordings()).toEqual([]);
  await catalog.saveRecording(aRecording());
  await catalog.addSegments([aSegment(0)]);
  expect(await catalog.dropUncovered(10)).toBe(0);
  await catalog.close();
});

type Seen = { readonly statement: string; readonly plan: readonly string[]; readonly rows: number };

/** A catalog, and what it asks of its database: the statements, how SQLite goes about them, how many rows come. */
async function openSeen(): Promise<{ readonly catalog: SqlCatalog; readonly seen: Seen[] }> {
  const thread = await SqliteThread.open(join(folder, `seen-${++files}.db`), () => undefined);
  const turns = new Turns({ clock, maxWaiting: 10, longest: millis(5000) });
  const database = new Kysely<Tables>({ dialect: new SqliteThreadDialect(thread, turns) });
  await migrate(database);
  const seen: Seen[] = [];
  const run = thread.run.bind(thread);
  thread.run = async (statement, parameters) => {
    const steps = (await run(`explain query plan ${statement}`, parameters).catch(() => ({ rows: [] }))).rows;
    const answer = await run(statement, parameters);
    const plan = steps.map((step) => (step as { detail: string }).detail);
    seen.push({ statement, plan, rows: answer.rows.length });
    return answer;
  };
  return { catalog: new SqlCatalog(database), seen };
}

test('64 segments are one transaction: one sync', async () => {
  const { catalog, seen } = await openSeen();
  await catalog.addSegments(Array.from({ length: 64 }, (_, sequence) => aSegment(sequence)));
  const words = seen.map(({ statement }) => statement.split(' ')[0]);
  expect(words).toEqual(['begin', 'select', 'insert', 'select', 'commit']);
  await catalog.close();
});

test('what is dropped is doomed in the same transaction', async () => {
  const { catalog, seen } = await openSeen();
  await catalog.addSegments([aSegment(0), aSegment(0, { source: 'camera-1' })]);
  seen.length = 0;
  await catalog.dropUncovered(10);
  const changes = seen.map(({ statement }) => statement.split(' ')[0]).filter((word) => /^[a-z]/.test(word!));
  expect(changes).toEqual(['begin', 'select', 'delete', 'insert', 'delete', 'insert', 'commit']);
  await catalog.close();
});

test('a day of segments comes in pages, so that the event loop goes on', async () => {
  const { catalog, seen } = await openSeen();
  const day = Array.from({ length: 21_600 }, (_, sequence) => aSegment(sequence));
  for (let n = 0; n < day.length; n += 2000) await catalog.addSegments(day.slice(n, n + 2000));
  seen.length = 0;
  expect(await catalog.segments('camera-0', { from: at(0) })).toHaveLength(day.length);
  expect(Math.max(...seen.map(({ rows }) => rows))).toBe(1000);
  expect(seen).toHaveLength(1 + 22);
  await catalog.close();
});

test('what is asked often is answered from an index', async () => {
  const { catalog, seen } = await openSeen();
  await catalog.addSegments([aSegment(0)]);
  await catalog.saveRecording(aRecording({ from: at(8000) }));
  await catalog.segments('camera-0', { from: at(0), until: at(9000) });
  await catalog.storedOf('camera-0', 'video', [1, 2]);
  await catalog.knownKeys(['a', 'b']);
  await catalog.doom(['a']);
  await catalog.dropUncovered(10);
  await catalog.undoom(['a']);
  await catalog.close();
  const plans = seen.map(({ plan }) => plan.join('; '));
  expect(plans.filter((plan) => /SCAN (segment|doomed_object)/.test(plan))).toEqual([]);
  const byTime = /SEARCH segment USING COVERING INDEX segment_time \(source=\? AND at>\? AND at<\?\)/;
  expect(plans.filter((plan) => byTime.test(plan))).toHaveLength(1);
  expect(plans.filter((plan) => /segment_time \(source=\? AND at[<>]\?/.test(plan)).length).toBeGreaterThan(
    1,
  );
});

/** Compiles the catalog for a process of its own: Node 20 runs no TypeScript. */
let compiled = false;
async function writeScript(name: string, text: string): Promise<string> {
  if (!compiled) {
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          noEmit: false,
          allowJs: true,
          rootDir: join(root, 'src'),
          outDir: join(folder, 'build'),
          typeRoots: [join(root, 'node_modules/@types')],
        },
        include: [join(root, 'src/catalog')],
        exclude: [join(root, 'src/**/*.test.ts')],
      }),
    );
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder]);
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    compiled = true;
  }
  const script = join(folder, name);
  await writeFile(
    script,
    `import { openCatalog } from './build/catalog/open-catalog.js';
     import { SystemClock } from './build/runtime/clock.js';
     const catalog = await openCatalog(process.argv[2], { clock: new SystemClock() });
     ${text}`,
  );
  return script;
}

/** Runs a script that says numbers, ends it with SIGKILL once it has said `last`, and gives the last one it said. */
async function killAfter(last: number, script: string, file: string, ...more: string[]): Promise<number> {
  const child = spawn(process.execPath, [script, `sqlite:${file}`, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (acknowledged === last) child.kill('SIGKILL');
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

test('kill -9 of a node loses no save that was acknowledged', async () => {
  const script = await writeScript(
    'save-for-ever.mjs',
    `const source = ${JSON.stringify(aSource())};
     for (let n = 1; ; n++) {
       await catalog.saveSource({ ...source, reservedSequence: n, name: 'camera-' + (n % 10) });
       console.log(n);
     }`,
  );
  const file = newFile();
  for (let round = 0; round < 3; round++) {
    const acknowledged = await killAfter(50 + 37 * round, script, file);
    const catalog = await openFile(file);
    const kept = new Map((await catalog.sources()).map((source) => [source.name, source.reservedSequence]));
    await catalog.close();
    for (let n = acknowledged; n > acknowledged - 10; n--) {
      expect(kept.get(`camera-${n % 10}`)).toBeGreaterThanOrEqual(n);
    }
  }
});

test('kill -9 of a node loses no segment that was acknowledged, and leaves no half of a call', async () => {
  const script = await writeScript(
    'store-for-ever.mjs',
    `const { source, rendition, record } = ${JSON.stringify(aSegment(0))};
     for (let call = Number(process.argv[3]); ; call++) {
       await catalog.addSegments(Array.from({ length: 64 }, (_, index) => {
         const sequence = call * 64 + index;
         return { source, rendition, key: 'key-' + sequence, record: { ...record, sequence } };
       }));
       console.log(call);
     }`,
  );
  const file = newFile();
  let next = 0;
  for (let round = 0; round < 3; round++) {
    const acknowledged = await killAfter(next + 20 + 17 * round, script, file, String(next));
    const catalog = await openFile(file);
    const kept = await catalog.segments('camera-0', { from: at(0) });
    await catalog.close();
    expect(kept.map(({ key }) => key)).toEqual(kept.map((_, sequence) => `key-${sequence}`));
    expect(kept.length % 64).toBe(0);
    next = kept.length / 64;
    expect(next).toBeGreaterThan(acknowledged);
  }
});
