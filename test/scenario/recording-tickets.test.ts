import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../src/wire/uplink.ts';
import {
  type Answer,
  contentOf,
  digestOf,
  EDGE_TOKEN,
  FAKE_SOURCE,
  FakeEdge,
  type HeaderChange,
  recordOf,
  send,
} from '../support/fake-edge.ts';
import { objectsIn, RecordingsClient, urisOf } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const store = mkdtempSync(join(tmpdir(), 'livemix-store-'));
let rig: Rig;
let recordings: RecordingsClient;
/** The recording of `camera-9` that all this is for, and when the segment with the number 0 begins. */
let id: string;
let since: number;
let edge: FakeEdge;
let other: FakeEdge;

beforeAll(async () => {
  const control = { 'edge-token': EDGE_TOKEN, 'store-url': `file://${store}` };
  rig = await Rig.start({ control, edge: { 'edge-token': EDGE_TOKEN } });
  recordings = new RecordingsClient(() => rig.control.url);
  await rig.encoder.publish(2);
  await rig.until('the source of the real edge appears', () => rig.source());
  edge = await FakeEdge.start(rig.control.url);
  other = await FakeEdge.start(rig.control.url, 'edge-8', 'camera-8');
  for (const source of [FAKE_SOURCE, 'camera-8']) {
    await rig.until(`${source} appears`, () => rig.source(source));
  }
  since = Date.now();
  id = (await recordings.start({ source: FAKE_SOURCE, from: new Date(since).toISOString() })).id;
  await rig.until('the edge is told to keep', () => edge.keep.length === 1);
});
afterAll(async () => {
  edge.close();
  other.close();
  await rig[Symbol.asyncDispose]();
  await rm(store, { recursive: true, force: true });
});

const record = (sequence: number) => recordOf(sequence, since);
const announce = (...sequences: readonly number[]) =>
  edge.announceKept({ records: sequences.map((sequence) => record(sequence)) });
type Lacking = readonly { readonly sequence: number; readonly url: string }[];
const lackingOf = ({ body }: Answer) => body['lacking'] as Lacking;
/** A ticket for one segment. */
async function ticketFor(sequence: number): Promise<string> {
  const answer = await announce(sequence);
  expect(answer).toMatchObject({ status: 200, body: { settled: [], lacking: [{ sequence }] } });
  return lackingOf(answer)[0]!.url;
}
/** Numbers of the segments that the store has an object of. */
const stored = () =>
  objectsIn(store).map((key) => Number(/segments\/camera-9\/main\/(\d+)-/.exec(key)?.[1] ?? Number.NaN));
const settledOnly = (...settled: number[]) => ({ status: 200, body: { settled, lacking: [] } });

test('what is announced gets a ticket, is put with it, and is settled then', async () => {
  const url = await ticketFor(0);
  expect(url).toMatch(/^\/edge\/v1\/objects\/[A-Za-z0-9_-]{16,}$/);
  expect((await edge.putTo(url, 0)).status).toBe(201);
  expect(await announce(0)).toEqual(settledOnly(0));
  expect(stored()).toEqual([0]);
});

test('a ticket is good once (T21)', async () => {
  const url = await ticketFor(1);
  const answers = await Promise.all([edge.putTo(url, 1), edge.putTo(url, 1)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  expect(await edge.putTo(url, 1)).toMatchObject({ status: 409, body: { code: 'ticket_used' } });
  expect(stored()).toEqual([0, 1]);
});

describe('a put', () => {
  test.each<[string, HeaderChange, number, string]>([
    ['without a token', { Authorization: undefined }, 401, 'unauthorized'],
    ['with another token', { Authorization: 'Bearer other' }, 401, 'unauthorized'],
    ['without an edge', { 'LiveMix-Edge': undefined }, 400, 'bad_link'],
    ['without a generation', { 'LiveMix-Link': undefined }, 400, 'bad_link'],
    ['of an older link', { 'LiveMix-Link': '1' }, 409, 'stale_link'],
    ['of a link yet to come', { 'LiveMix-Link': '9007199254740991' }, 409, 'stale_link'],
    ['without a digest', { 'Content-Digest': undefined }, 400, 'bad_digest'],
    ['with a digest that is none', { 'Content-Digest': 'sha-256=:abc:' }, 400, 'bad_digest'],
    ['that is zipped', { 'Content-Encoding': 'gzip' }, 415, 'wrong_type'],
    ['that is said not to be zipped', { 'Content-Encoding': 'identity' }, 415, 'wrong_type'],
    ['of another type', { 'Content-Type': 'text/html' }, 415, 'wrong_type'],
    ['without a type', { 'Content-Type': undefined }, 415, 'wrong_type'],
  ])('%s is refused, and the ticket stays good (T20, T22)', async (_, change, status, code) => {
    const before = stored();
    const url = await ticketFor(2);
    expect(await edge.putTo(url, 2, change)).toMatchObject({ status, body: { code } });
    expect(stored()).toEqual(before);
  });

  test('without a length is refused (T20)', async () => {
    const chunked = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' };
    const answer = await edge.putTo(await ticketFor(2), 2, chunked);
    expect(answer).toMatchObject({ status: 411, body: { code: 'length_required' } });
  });

  test.each<[string, HeaderChange, number]>([
    ['of more bytes than any segment has', { 'Content-Length': String(33 * 1024 * 1024) }, 413],
    ['of another length', { 'Content-Length': '1881' }, 422],
    ['of no bytes', { 'Content-Length': '0' }, 422],
    ['of other bytes', { 'Content-Digest': contentDigest(digestOf(Buffer.from('other'))) }, 422],
  ])('%s is refused before its body (T20)', async (_, change, status) => {
    expect((await edge.putHead(await ticketFor(2), 2, change)).status).toBe(status);
    expect(stored()).not.toContain(2);
  });

  test('whose bytes are not those of its digest leaves nothing; the right ones are taken then', async () => {
    const url = await ticketFor(3);
    const wrong = contentOf(3);
    wrong[1000]! ^= 1;
    expect(await edge.putTo(url, 3, {}, wrong)).toMatchObject({
      status: 422,
      body: { code: 'digest_mismatch' },
    });
    expect(stored()).not.toContain(3);
    expect(await announce(3)).toMatchObject({ status: 200, body: { settled: [] } });
    expect((await edge.putTo(url, 3)).status).toBe(201);
    expect(stored()).toContain(3);
  });

  test('that breaks off in its middle leaves nothing, and the ticket stays good', async () => {
    const url = await ticketFor(4);
    const digest = contentDigest(digestOf(contentOf(4)));
    const media = { 'Content-Type': 'video/mp2t', 'Content-Length': '1880', 'Content-Digest': digest };
    const headers = { ...edge.headers, ...media };
    const breaking = request(`${rig.control.url}${url}`, { method: 'PUT', headers });
    const closed = new Promise((resolve) => breaking.on('close', resolve).on('error', resolve));
    breaking.write(contentOf(4).subarray(0, 900), () => breaking.destroy());
    await closed;
    expect(await announce(4)).toMatchObject({ status: 200, body: { settled: [] } });
    expect(stored()).not.toContain(4);
    expect((await edge.putTo(url, 4)).status).toBe(201);
  });

  test('with the ticket of another edge, or one that nobody gave, is refused', async () => {
    const unknown = { status: 404, body: { code: 'ticket_unknown' } };
    const url = await ticketFor(5);
    const asOther = { 'LiveMix-Edge': 'edge-8', 'LiveMix-Link': String(other.generation) };
    expect(await edge.putTo(url, 5, asOther)).toMatchObject(unknown);
    expect(await edge.putTo('/edge/v1/objects/made-up-by-somebody', 5)).toMatchObject(unknown);
    for (const path of ['/edge/v1/objects/', `${url}/..`, `${url}/x`, `/edge/v1/objects/${'a'.repeat(500)}`])
      expect((await edge.putTo(path, 5)).status).toBe(404);
    const get = { method: 'GET', headers: edge.headers, body: Buffer.alloc(0) };
    expect((await send(`${rig.control.url}${url}`, get)).status).toBe(405);
    expect(stored()).not.toContain(5);
  });
});

describe('an announcement', () => {
  test.each<[string, HeaderChange, number]>([
    ['without a token', { Authorization: undefined }, 401],
    ['without a generation', { 'LiveMix-Link': undefined }, 400],
    ['of an older link', { 'LiveMix-Link': '1' }, 409],
    ['of a link yet to come', { 'LiveMix-Link': '9007199254740991' }, 409],
    ['of an edge that is not connected', { 'LiveMix-Edge': 'edge-7' }, 409],
    ['that is too large', { 'Content-Length': String(2 * 1024 * 1024) }, 413],
  ])('%s is refused', async (_, change, status) => {
    expect((await edge.announceKept({ records: [record(6)] }, change)).status).toBe(status);
  });

  test.each<[string, () => Record<string, unknown>]>([
    ['too many records', () => ({ records: Array.from({ length: 65 }, (_, index) => record(index)) })],
    ['a field that is not known', () => ({ records: [record(6)], key: 'segments/x' })],
    ['a record with the field key', () => ({ records: [{ ...record(6), key: '../x' }] })],
    ['a record with the field uri', () => ({ records: [{ ...record(6), uri: 'file:///etc/passwd' }] })],
    ['no records', () => ({})],
    ['a digest that is none', () => ({ records: [{ ...record(6), digest: 'abc' }] })],
    ['a path for an extension', () => ({ records: [{ ...record(6), extension: '/../x' }] })],
    ['a number beyond all', () => ({ records: [{ ...record(6), sequence: 2 ** 60 }] })],
    ['more bytes than a segment may have', () => ({ records: [{ ...record(6), bytes: 33 * 2 ** 20 }] })],
    ['an MD5 that is none', () => ({ records: [record(6)], md5: { 6: 'abc' } })],
  ])('with %s is refused (T23)', async (_, body) => {
    expect(await edge.announceKept(body())).toMatchObject({ status: 400, body: { code: 'bad_record' } });
  });

  test.each(['camera-0', 'camera-8', 'nobody'])(
    'for %s, which is not its own, gets no ticket and says the same as of any other (T19)',
    async (source) => {
      const answer = await edge.announceKept({ records: [record(6)] }, {}, source);
      expect(answer).toEqual(await edge.announceKept({ records: [record(6)] }, {}, 'nothing-of-the-kind'));
      expect(answer.body['lacking'] ?? []).toEqual([]);
      expect((await edge.announceKept({ records: [record(6)] }, {}, '..%2fx')).status).toBeGreaterThan(399);
    },
  );

  test('of what nobody wants is answered as settled, and costs nothing', async () => {
    const early = { ...record(7), at: since - 60_000 };
    expect(await edge.announceKept({ records: [early] })).toEqual(settledOnly(7));
    expect(stored()).not.toContain(7);
  });

  test('of many gets a few tickets at a time, the oldest first', async () => {
    const many = Array.from({ length: 64 }, (_, index) => 100 + index);
    const lacking = lackingOf(await announce(...many));
    expect(lacking.length).toBeGreaterThan(0);
    expect(lacking.length).toBeLessThanOrEqual(4);
    expect(lacking.map(({ sequence }) => sequence)).toEqual(many.slice(0, lacking.length));
    expect(new Set(lacking.map(({ url }) => url)).size).toBe(lacking.length);
  });

  test('of other bytes under a number that is stored changes nothing: the first ones stay (T21)', async () => {
    const before = objectsIn(store);
    const reused = { ...record(0), digest: digestOf(Buffer.from('other')) };
    expect(lackingOf(await edge.announceKept({ records: [reused] }))).toEqual([]);
    expect(objectsIn(store)).toEqual(before);
  });
});

test('of all that only what was put rightly is in the store, and is replayed', async () => {
  expect([...stored()].sort((a, b) => a - b)).toEqual([0, 1, 3, 4]);
  edge.report({ settledUntil: since + 5_000 });
  await rig.until('it is settled', async () => {
    const { segments, settledUntil } = await recordings.get(id);
    return segments === 4 && Date.parse(settledUntil) > since;
  });
  await rig.until('it is shown', async () => urisOf(await recordings.playlist(id)).length === 4);
  const { segments } = await recordings.replay(id);
  const expected = [0, 1, 3, 4].map((sequence) => contentOf(sequence));
  expect(segments.map(digestOf)).toEqual(expected.map(digestOf));
});

test('a ticket for a recording that is deleted is refused (F36), and its objects go', async () => {
  const url = await ticketFor(5);
  expect((await recordings.ask('DELETE', `/${id}`)).status).toBe(204);
  await rig.until('the edge is told', () => edge.keep.length === 0);
  expect(await edge.putTo(url, 5)).toMatchObject({ status: 410, body: { code: 'recording_gone' } });
  expect(await announce(5)).toEqual(settledOnly(5));
  await rig.until('the store is empty', () => objectsIn(store).length === 0);
  await rig.until('its manifest is gone', () => objectsIn(store, 'recordings').length === 0);
});
