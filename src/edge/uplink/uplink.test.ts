import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { MAIN } from '../../media/name.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import { bytes, seconds } from '../../media/units.ts';
import { SystemClock } from '../../runtime/clock.ts';
import { decodeKeepRequest } from '../../wire/keep.ts';
import { type Desired, decodeEdgeMessage, type KeepSpan, type Report } from '../../wire/link-messages.ts';
import type { EdgeEvents } from '../events.ts';
import { Sources } from '../sources.ts';
import { Uplink } from './uplink.ts';

const events = new Proxy({} as EdgeEvents, { get: () => () => undefined });
// Nobody listens there.
const control = new URL('http://127.0.0.1:1');

let folder: string;
let sources: Sources;
let uplink: Uplink;
let failed: unknown[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-uplink-'));
  failed = [];
  const bounds = { windowDuration: seconds(60), maxSpoolBytes: bytes(1e9), maxSources: 3 };
  sources = await Sources.open(folder, bounds, 'boot', new SystemClock(), events);
  uplink = open([control]);
});
afterEach(async () => {
  await uplink.close();
  await sources.close();
  await rm(folder, { recursive: true, force: true });
});

function open(controls: readonly URL[]): Uplink {
  const settings = {
    controls,
    edge: 'edge-1',
    token: undefined,
    version: '0',
    maxSpoolBytes: 1e9,
    rate: undefined,
  };
  const opened = new Uplink(sources, settings, new SystemClock(), events, (error) => void failed.push(error));
  opened.start();
  return opened;
}

let revision = 0;
const wish = (keep: Record<string, KeepSpan[]>): Desired => ({
  type: 'desired',
  revision: ++revision,
  generation: 1,
  liveSegments: 6,
  sources: Object.entries(keep).map(([name, spans]) => ({ name, forward: [], keep: spans })),
});
const tell = (desired: Desired, first = false) => uplink.desired(desired, control, first);
const kept = (name: string) => sources.find(name)?.rendition(MAIN)?.keep.spans;
const span: KeepSpan = { from: 1_000, until: null };

test('a recording that the disk could not note is kept all the same, and noted when it is told again', async () => {
  await sources.open('camera-0');
  const inTheWay = join(folder, 'keep.json.tmp');
  await mkdir(inTheWay);
  const wanted = wish({ 'camera-0': [span] });
  await expect(tell(wanted, true)).rejects.toThrow();
  expect(kept('camera-0')).toEqual([{ from: 1_000 }]);
  await expect(tell(wanted, true)).rejects.toThrow();
  await rm(inTheWay, { recursive: true });
  await tell(wanted, true);
  const again = await Sources.open(
    folder,
    { windowDuration: seconds(60), maxSpoolBytes: bytes(1e9), maxSources: 3 },
    'boot',
    new SystemClock(),
    events,
  );
  expect(again.find('camera-0')?.rendition(MAIN)?.keep.spans).toEqual([{ from: 1_000 }]);
});

test('a source that is wanted and for which there is no room does not cost the edge the others', async () => {
  for (const name of ['camera-0', 'camera-1', 'camera-2']) await sources.open(name);
  await tell(wish({ 'camera-2': [span], 'camera-of-old': [span] }), true);
  expect(kept('camera-2')).toEqual([{ from: 1_000 }]);
  expect(sources.refused.get('camera-of-old')).toMatchObject({ code: 'too_many_sources' });
  expect(failed).toEqual([]);
});

test('a backlog that settles segment by segment does not flood control with reports', async () => {
  const source = await sources.open('camera-0');
  const rendition = source.rendition(MAIN)!;
  for (let sequence = 1; sequence <= 400; sequence++) {
    rendition.push(recordForTest(sequence, { duration: seconds(0.125) }));
  }
  const reports: Report[] = [];
  const server = createServer((request, response) => {
    // One by one, as if each had to be uploaded.
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { records } = decodeKeepRequest(body)!;
      response.end(JSON.stringify({ settled: [records[0]!.sequence], lacking: [] }));
    });
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    let isTold = false;
    socket.on('message', (data) => {
      const message = decodeEdgeMessage(String(data));
      if (message?.type !== 'report') return;
      reports.push(message);
      if (!isTold) socket.send(JSON.stringify(wish({ 'camera-0': [{ from: 1, until: null }] })));
      isTold = true;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const other = open([new URL(`http://127.0.0.1:${port}`)]);
  const startedAt = performance.now();
  while (rendition.keep.spans.length === 0 || source.backlogBytes > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const took = (performance.now() - startedAt) / 1_000;
  expect(reports.length).toBeLessThanOrEqual(5 + 6 * took);
  await other.close();
  server.closeAllConnections();
  server.close();
});
