import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { Catalog } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { epochMs } from '../../media/units.ts';
import { type Desired, decodeControlMessage, MAX_KEEP_SPANS, PROTOCOL } from '../../wire/link-messages.ts';
import { type Ground, openGround } from '../recordings/ground-for-test.ts';
import { Recordings } from '../recordings/recordings.ts';
import { Sources } from '../sources/sources.ts';
import { EdgeLinks } from './edge-links.ts';
import { EdgeSession } from './edge-session.ts';

/** The edge's end of a link, in this process. */
class Socket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly desired: Desired[] = [];
  send(text: string) {
    const message = decodeControlMessage(text);
    if (message === undefined) throw new Error(`no edge understands ${text}`);
    if (message.type === 'desired') this.desired.push(message);
  }
  close() {
    this.readyState = 3;
  }
  terminate() {
    this.close();
  }
}

let ground: Ground;
let recordings: Recordings;
let sources: Sources;
let links: EdgeLinks;
let socket: Socket;
let failures: unknown[];
/** Refuses or holds writes of recordings, as a catalog does that another process uses. */
let write: () => Promise<void>;
let writes: number;
beforeEach(async () => {
  ground = await openGround();
  failures = [];
  writes = 0;
  write = async () => undefined;
  const catalog = new Proxy(ground.catalog, {
    get: (of, name: keyof Catalog) =>
      name === 'saveRecording'
        ? async (recording: Parameters<Catalog['saveRecording']>[0]) => {
            writes += 1;
            await write();
            await of.saveRecording(recording);
          }
        : of[name],
  });
  sources = await Sources.open(catalog, ground.clock, ground.events);
  recordings = await Recordings.open(catalog, 7, ground.clock, ground.events);
  links = new EdgeLinks(sources, 6, ground.clock, ground.events, (error) => void failures.push(error));
  links.follow({ review: () => undefined } as unknown as Parameters<typeof links.follow>[0], recordings);
  recordings.follow(({ edge }, change) => {
    if (change !== 'progressed') links.changedFor(edge);
  });
  socket = new Socket();
  new EdgeSession(socket as unknown as WebSocket, links, ground.clock, 6);
  say({ type: 'hello', protocol: PROTOCOL, version: '0', edge: 'edge-1', spool: 'spool-000' });
});
afterEach(() => ground[Symbol.asyncDispose]());

const at = (seconds: number) => epochMs(ground.start + seconds * 1_000);
const say = (message: unknown) => socket.emit('message', Buffer.from(JSON.stringify(message)), false);
const report = (settledUntil: number, revision = socket.desired.at(-1)?.revision ?? 0) =>
  say({
    type: 'report',
    revision,
    spoolBytes: 0,
    spoolMaxBytes: 1,
    uplinkBytesPerSecond: 0,
    sources: [
      {
        name: 'camera-0',
        sending: true,
        reservedSequence: 1_000,
        reservedDiscontinuity: 0,
        floor: { sequence: 0, discontinuity: 0 },
        targetDuration: 2,
        renditions: ['main'],
        forwarding: [],
        ingestedBytes: 0,
        forwardedBytes: 0,
        lastSegmentAt: null,
        settledUntil: at(settledUntil),
        reach: 0,
        backlogBytes: 0,
      },
    ],
  });
const start = (from: number, until?: number) =>
  recordings.start(
    'camera-0',
    'edge-1',
    { from: at(from), ...(until !== undefined && { until: at(until) }) },
    '',
  );
const worked = () => Promise.all([...links.all].map(({ settled }) => settled));

test('what an edge reports counts once it knows what is wanted', async () => {
  report(0);
  await worked();
  const { id } = await start(-30, -10);
  report(0, socket.desired.at(-1)!.revision - 1);
  await worked();
  expect(recordings.get(id).ended).toBeUndefined();
  report(0);
  await worked();
  expect(recordings.get(id).ended).toBe('settled');
});

test('a report that came while a recording began does not end it with nothing', async () => {
  await start(0);
  report(0);
  await worked();
  let go = () => undefined as unknown;
  write = () => new Promise<void>((resolve) => (go = resolve));
  const beginning = start(-30, -10);
  report(5);
  await new Promise((resolve) => setImmediate(resolve));
  write = async () => undefined;
  go();
  const { id } = await beginning;
  await worked();
  expect(recordings.get(id)).toMatchObject({ ended: undefined, settledUntil: at(-30) });
});

test('a catalog that somebody else holds does not end control; the next report says it again', async () => {
  const { id } = await start(0);
  report(0);
  await worked();
  write = () => Promise.reject(new LiveMixError('db_busy', 'another process holds the catalog'));
  report(4);
  await worked();
  expect(failures).toEqual([]);
  expect(recordings.get(id).settledUntil).toBe(at(0));
  write = async () => undefined;
  report(4);
  await worked();
  expect(recordings.get(id).settledUntil).toBe(at(4));
});

test('while the catalog is slow, of all that an edge reports only the newest waits', async () => {
  const { id } = await start(0);
  report(0);
  await worked();
  const before = writes;
  let go = () => undefined as unknown;
  write = () => new Promise<void>((resolve) => (go = resolve));
  report(1);
  await new Promise((resolve) => setImmediate(resolve));
  for (let settled = 2; settled <= 40; settled++) report(settled);
  write = async () => undefined;
  go();
  await worked();
  expect(recordings.get(id).settledUntil).toBe(at(40));
  expect(writes - before).toBe(2);
});

test('an edge is never told more spans than it understands, whatever is stopped', async () => {
  report(0);
  await worked();
  const long = await start(0);
  for (let index = 1; index <= 20; index++) await start(index * 100, index * 100 + 10);
  await recordings.stop(long.id);
  expect(socket.desired.at(-1)!.sources[0]!.keep).toHaveLength(MAX_KEEP_SPANS);
});

test('what an edge says of renditions in one breath with its reports is not lost', async () => {
  const multivariant = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n';
  report(0);
  say({ type: 'described', sources: [{ name: 'camera-0', multivariant }] });
  report(1);
  await worked();
  expect(sources.find('camera-0')?.entry.multivariant).toBe(multivariant);
});

test('a name that was freed is served as its next owner, or the one before, has it', async () => {
  const multivariant = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n';
  report(0);
  await worked();
  const mine = socket;
  socket = new Socket();
  new EdgeSession(socket as unknown as WebSocket, links, ground.clock, 6);
  say({ type: 'hello', protocol: PROTOCOL, version: '0', edge: 'edge-2', spool: 'spool-222' });
  report(0);
  say({ type: 'described', sources: [{ name: 'camera-0', multivariant }] });
  await worked();
  const described = () => sources.find('camera-0')?.entry;
  expect(described()).toMatchObject({ edge: 'edge-1', multivariant: undefined });
  await sources.delete(sources.get('camera-0'));
  report(1);
  await worked();
  expect(described()).toMatchObject({ edge: 'edge-2', multivariant });
  await sources.delete(sources.get('camera-0'));
  socket = mine;
  report(2);
  await worked();
  expect(described()).toMatchObject({ edge: 'edge-1', multivariant: undefined });
});
