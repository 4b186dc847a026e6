import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askPages } from '../../src/cli/operator-client.ts';
import {
  objectsIn,
  type RecordingJson,
  RecordingsClient,
  Snippet,
  segmentsMade,
  whilePublishing,
} from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const TOKEN = 'the-admin-token-of-this-test-0123456789';
const admin = { Authorization: `Bearer ${TOKEN}` };
const store = mkdtempSync(join(tmpdir(), 'livemix-store-'));
const UNKNOWN = 'a'.repeat(16);
let rig: Rig;
let recordings: RecordingsClient;
/** One that is complete: a second and a half, or more. */
let done: RecordingJson;

beforeAll(async () => {
  const control = { 'admin-token': TOKEN, 'store-url': `file://${store}` };
  rig = await Rig.start({ control, encoder: { duration: 0.5 } });
  recordings = new RecordingsClient(() => rig.control.url, admin);
  done = await record('a "snippet" <b>of</b> Bücher 🎬');
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await rm(store, { recursive: true, force: true });
});

/** Records three segments or more, to the end. */
const record = (title: string) =>
  whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const { id } = await recordings.start({ source: 'camera-0', title });
    await segmentsMade(rig, 4);
    await recordings.stop(id);
    await segmentsMade(rig, 2);
    const ended = await recordings.ended(id);
    expect(ended).toMatchObject({ state: 'complete', gaps: [], title });
    return ended;
  });
const all = async (query = '') => (await (await recordings.ask('GET', query)).json()) as RecordingJson[];
const said = async (asked: Promise<Response>) => {
  const answer = await asked;
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const refused = (status: number, code: string) => ({
  status,
  body: { code, title: expect.any(String), detail: expect.any(String), hint: expect.any(String) },
});
/** Sends a body as it is. */
const post = (body: string, type: string | undefined, path = '') =>
  fetch(`${rig.control.url}/v1/recordings${path}`, {
    method: 'POST',
    headers: { ...admin, ...(type !== undefined && { 'Content-Type': type }) },
    body: Buffer.from(body),
  });
const DAY_MS = 86_400_000;
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

describe('a recording is not started, and nothing is changed,', () => {
  const source = 'camera-0';
  test.each<[string, unknown, number, string]>([
    ['of a source that is not known', { source: 'nobody' }, 404, 'source_unknown'],
    ['of a source with a path for its name', { source: '../../etc/passwd' }, 404, 'source_unknown'],
    ['of a source named as an inner thing', { source: '__proto__' }, 404, 'source_unknown'],
    ['without a source', {}, 400, 'bad_recording'],
    ['with a number for a source', { source: 5 }, 400, 'bad_recording'],
    ['with a list', [{ source }], 400, 'bad_recording'],
    ['with nothing', null, 400, 'bad_recording'],
    ['with a number for from', { source, from: 5 }, 400, 'bad_recording'],
    ['with a list for until', { source, until: ['+5s'] }, 400, 'bad_recording'],
    ['with a number for a title', { source, title: 5 }, 400, 'bad_recording'],
    ['with a field that is not known', { source, path: '/etc' }, 400, 'unknown_field'],
    ['with an id of its own', { source, id: UNKNOWN }, 400, 'unknown_field'],
    ['with from after until', { source, from: '+5s', until: '+2s' }, 422, 'bad_span'],
    ['with from at until', { source, from: '-5s', until: '-5s' }, 422, 'bad_span'],
    ['with until before now', { source, until: '-5s' }, 422, 'bad_span'],
    ['from more than a year ago', { source, from: '-400d' }, 422, 'bad_span'],
    ['from long ago', { source, from: '1970-01-01T00:00:00Z' }, 422, 'bad_span'],
    ['until far ahead', { source, until: '9999-12-31T23:59:59Z' }, 422, 'bad_span'],
    ['from further back than any number', { source, from: `-${'9'.repeat(60)}d` }, 422, 'bad_span'],
    ['from absurdly long ago', { source, from: '-99999999999999999s' }, 422, 'bad_span'],
    ['until ahead of all numbers', { source, until: '+999999999d' }, 422, 'bad_span'],
    ['from yesterday', { source, from: 'yesterday' }, 400, 'bad_time'],
    ['from an empty time', { source, from: '' }, 400, 'bad_time'],
    ['from a time without a zone', { source, from: daysFromNow(-1).replace('Z', '') }, 400, 'bad_time'],
    ['from a day alone', { source, from: daysFromNow(-1).slice(0, 10) }, 400, 'bad_time'],
    ['from a month that is none', { source, from: '2026-13-01T00:00:00Z' }, 400, 'bad_time'],
    ['from an hour that is none', { source, from: '2026-11-01T25:00:00Z' }, 400, 'bad_time'],
    ['from an offset without a sign', { source, from: '30s' }, 400, 'bad_time'],
    ['from an offset without a unit', { source, from: '-30' }, 400, 'bad_time'],
    ['from an offset in years', { source, from: '-1y' }, 400, 'bad_time'],
    ['from an offset with a space', { source, from: ' -30s' }, 400, 'bad_time'],
    ['from an offset in exponents', { source, from: '-1e3s' }, 400, 'bad_time'],
    ['with a line break in its title', { source, title: 'a\nb' }, 400, 'bad_recording'],
    ['with a NUL in its title', { source, title: 'a\u0000b' }, 400, 'bad_recording'],
    ['with an escape in its title', { source, title: '\u001b[31m' }, 400, 'bad_recording'],
    ['with a title that is too long', { source, title: 'x'.repeat(1_001) }, 400, 'bad_recording'],
  ])('%s', async (_, body, status, code) => {
    const before = await all();
    expect(await said(recordings.ask('POST', '', body))).toMatchObject(refused(status, code));
    expect(await all()).toEqual(before);
  });

  test.each<[string, string, string | undefined, number]>([
    ['with a body that is no JSON', '{"source":', 'application/json', 400],
    ['with an empty body', '', 'application/json', 400],
    ['with a poisoned body', '{"source":"camera-0","__proto__":{"from":"-5s"}}', 'application/json', 400],
    ['with text (T30)', '{"source":"camera-0"}', 'text/plain', 415],
    ['with a form (T30)', 'source=camera-0', 'application/x-www-form-urlencoded', 415],
    ['without a type', '{"source":"camera-0"}', undefined, 415],
    ['with more than 64 KiB', JSON.stringify({ source: 'x'.repeat(65_536) }), 'application/json', 413],
  ])('%s', async (_, body, type, status) => {
    const before = await all();
    const answer = await said(post(body, type));
    expect(answer).toMatchObject(refused(status, answer.body['code'] as string));
    if (status === 415) expect(answer.body['hint']).toBe('Send `Content-Type: application/json`.');
    expect(await all()).toEqual(before);
  });
});

test('a day that no month has is no time', async () => {
  const answer = await said(
    recordings.ask('POST', '', { source: 'camera-0', from: '2026-02-30T00:00:00Z', until: '+1s' }),
  );
  if (answer.status === 201) await recordings.ask('DELETE', `/${answer.body['id']}`);
  expect(answer).toMatchObject(refused(400, 'bad_time'));
});

test('changing anything needs the token where there is one; looking does not', async () => {
  const path = `/v1/recordings/${done.id}`;
  const json = { 'Content-Type': 'application/json' };
  for (const headers of [json, { ...json, Authorization: 'Bearer another' }]) {
    for (const [method, at, body] of [
      ['POST', '/v1/recordings', '{"source":"camera-0"}'],
      ['PATCH', path, '{"title":"taken over"}'],
      ['DELETE', path, '{}'],
      ['POST', `${path}/stop`, '{}'],
      ['POST', `${path}/verify`, '{}'],
    ] as const) {
      const answer = await said(fetch(rig.control.url + at, { method, headers, body }));
      expect(answer, `${method} ${at}`).toMatchObject(refused(401, 'unauthorized'));
    }
  }
  const open = [path, '/v1/recordings', `/recordings/${done.id}/index.m3u8`];
  for (const at of open) expect((await fetch(rig.control.url + at)).status).toBe(200);
  expect(await all()).toEqual([done]);
});

test('another site cannot have a browser change anything (T30); its own page can, and who is no browser', async () => {
  const own = new URL(rig.control.url);
  const asked = async (headers: Record<string, string>) => {
    const path = `/v1/recordings/${done.id}/stop`;
    const sent = { ...admin, ...headers };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: own.hostname, port: own.port, path, method: 'POST', headers: sent }, resolve)
        .on('error', reject)
        .end();
    });
    const body = JSON.parse(Buffer.concat(await answer.toArray()).toString()) as { code?: string };
    return [answer.statusCode, body.code];
  };
  for (const headers of [
    { Origin: 'http://evil.example' },
    { Origin: 'null' },
    { Origin: `http://${own.hostname}:1` },
    { Origin: `http://evil.example?${own.host}` },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', Origin: own.origin },
  ]) {
    expect(await asked(headers as Record<string, string>), JSON.stringify(headers)).toEqual([403, 'csrf']);
  }
  for (const headers of [
    {},
    { Origin: own.origin },
    { Origin: 'https://live.example', 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
    { Origin: 'https://Live.example', Host: 'live.example' },
  ]) {
    expect(await asked(headers as Record<string, string>), JSON.stringify(headers)).toEqual([200, undefined]);
  }
});

test('an id that is not known is answered with 404 everywhere', async () => {
  for (const id of [UNKNOWN, 'x', 'A'.repeat(16), '..%2f..%2fetc', '%00']) {
    for (const [method, path, body] of [
      ['GET', `/${id}`, undefined],
      ['DELETE', `/${id}`, undefined],
      ['PATCH', `/${id}`, { title: 'x' }],
      ['POST', `/${id}/stop`, undefined],
      ['POST', `/${id}/verify`, undefined],
    ] as const) {
      const answer = await said(recordings.ask(method, path, body));
      expect(answer, `${method} ${path}`).toMatchObject(refused(404, 'recording_unknown'));
    }
    for (const what of ['index.m3u8', 'download.ts', 'download.mp4']) {
      const answer = await said(fetch(`${rig.control.url}/recordings/${id}/${what}`));
      expect(answer, `${id}/${what}`).toMatchObject(refused(404, 'recording_unknown'));
    }
  }
  for (const what of ['', '/', '/manifest.json', '/download.mov'])
    expect((await fetch(`${rig.control.url}/recordings/${done.id}${what}`)).status).toBe(404);
});

test('it is renamed and kept, and nothing else of it can be changed', async () => {
  const changed = await said(recordings.ask('PATCH', `/${done.id}`, { title: 'renamed', keep: true }));
  expect(changed).toEqual({ status: 200, body: { ...done, title: 'renamed', keep: true } });
  for (const [body, code] of [
    [{ title: 5 }, 'bad_recording'],
    [{ title: 'a\u0007' }, 'bad_recording'],
    [{ keep: 'yes' }, 'bad_recording'],
    [{ state: 'complete' }, 'unknown_field'],
    [{ until: '+5s' }, 'unknown_field'],
    [[], 'bad_recording'],
  ] as const) {
    expect(await said(recordings.ask('PATCH', `/${done.id}`, body))).toMatchObject(refused(400, code));
  }
  expect(await recordings.get(done.id)).toEqual(changed.body);
  const back = { title: done.title, keep: false };
  expect((await said(recordings.ask('PATCH', `/${done.id}`, back))).body).toEqual(done);
});

test('the list can be asked for one source', async () => {
  expect(await all('?source=camera-0')).toEqual([done]);
  expect(await all('?source=nobody')).toEqual([]);
});

test('the list comes page by page, to scripts and to the command line', async () => {
  const started: string[] = [];
  for (let n = 1; n <= 4; n++) {
    started.unshift((await recordings.start({ source: 'camera-0', from: `+${n}h`, until: '+9h' })).id);
  }
  const pages: string[][] = [];
  const asked = { control: new URL(rig.control.url), token: undefined };
  for await (const page of askPages<RecordingJson>(asked, '/v1/recordings?source=camera-0&limit=2')) {
    pages.push(page.map(({ id }) => id));
  }
  expect(pages).toEqual([started.slice(0, 2), started.slice(2), [done.id]]);
  const first = await recordings.ask('GET', '?limit=2');
  expect(first.headers.get('link')).toMatch(/^<\?limit=2&before=\d+-[a-z0-9]{16}>; rel="next"$/);
  expect((await recordings.ask('GET', '')).headers.get('link')).toBeNull();
  for (const query of ['?limit=0', '?limit=x', '?limit=1&limit=2', '?before=x']) {
    expect(await said(recordings.ask('GET', query)), query).toMatchObject(refused(400, 'bad_request'));
  }
  for (const id of started) expect((await recordings.ask('DELETE', `/${id}`)).status).toBe(204);
});

test('stopping it twice changes nothing the second time', async () => {
  expect(await said(recordings.ask('POST', `/${done.id}/stop`))).toEqual({ status: 200, body: done });
});

test('one that lies ahead waits, has nothing to show, and can be stopped before it begins', async () => {
  const ahead = await recordings.start({ source: 'camera-0', from: '+1h', until: '+2h' });
  expect(ahead).toMatchObject({ state: 'recording', segments: 0, bytes: 0, gaps: [], durationSeconds: 0 });
  for (const what of ['index.m3u8', 'download.ts', 'download.mp4']) {
    const answer = await said(fetch(`${rig.control.url}/recordings/${ahead.id}/${what}`));
    expect(answer).toMatchObject(refused(409, 'recording_empty'));
  }
  await recordings.stop(ahead.id);
  const stopped = await recordings.ended(ahead.id);
  expect(stopped).toMatchObject({ state: 'complete', segments: 0, gaps: [] });
  expect(await recordings.stop(ahead.id)).toEqual(stopped);
  expect((await recordings.ask('DELETE', `/${ahead.id}`)).status).toBe(204);
});

test('time before the source was there is said to be silent at once', async () => {
  const from = daysFromNow(-1);
  const started = await recordings.start({ source: 'camera-0', from, until: '+1s' });
  expect(started.gaps).toMatchObject([{ from, reason: 'source_silent' }]);
  expect(Date.parse(started.gaps[0]!.until)).toBeGreaterThan(Date.now() - 120_000);
  expect((await recordings.ask('DELETE', `/${started.id}`)).status).toBe(204);
});

test('sixteen spans of a source that do not touch each other, no more', async () => {
  const hour = (n: number) => ({ source: 'camera-0', from: `+${n * 10}m`, until: `+${n * 10 + 5}m` });
  const started: string[] = [];
  for (let n = 1; n <= 16; n++) started.push((await recordings.start(hour(n))).id);
  const answer = await recordings.ask('POST', '', hour(17));
  expect(await said(Promise.resolve(answer))).toMatchObject(refused(429, 'too_many_recordings'));
  expect(answer.headers.get('retry-after')).not.toBeNull();
  // One that overlaps costs nothing.
  started.push((await recordings.start({ ...hour(3), from: '+31m' })).id);
  for (const id of started) expect((await recordings.ask('DELETE', `/${id}`)).status).toBe(204);
  expect(await all()).toEqual([done]);
});

test('a source that is switched off is recorded all the same', async () => {
  const setMode = (mode: string) =>
    fetch(`${rig.control.url}/v1/sources/camera-0`, {
      method: 'PATCH',
      headers: { ...admin, 'Content-Type': 'application/json' },
      body: JSON.stringify({ mode }),
    });
  expect((await setMode('off')).status).toBe(200);
  const { id, segments } = await record('of a source that is off');
  expect((await fetch(rig.playlistUrl)).status).toBe(503);
  expect((await recordings.replay(id)).segments).toHaveLength(segments);
  await setMode('on-demand');
});

test('one that begins in a moment has what is made from then on', async () => {
  const ended = await whilePublishing(rig, async () => {
    await segmentsMade(rig, 1);
    const { id } = await recordings.start({ source: 'camera-0', from: '+1s', until: '+2s' });
    return recordings.ended(id);
  });
  expect(ended).toMatchObject({ state: 'complete', gaps: [] });
  expect(Date.parse(ended.until!) - Date.parse(ended.from)).toBe(1_000);
  expect(ended.segments).toBeGreaterThanOrEqual(2);
  expect(ended.segments).toBeLessThanOrEqual(3);
});

test('a source that is deleted leaves what was recorded of it; what is being recorded ends', async () => {
  const snippet = await whilePublishing(rig, async () => {
    const begun = await Snippet.start(rig, recordings);
    await begun.stored(2);
    const path = `${rig.control.url}/v1/sources/camera-0`;
    const stopped = await begun.stop(async () => {
      expect((await fetch(path, { method: 'DELETE', headers: admin })).status).toBe(204);
      return begun.recordings.get(begun.id);
    });
    expect(stopped.until).not.toBeNull();
    return begun;
  });
  expect(await recordings.ended(snippet.id)).toMatchObject({ state: 'complete', gaps: [] });
  await snippet.checkWhole();
  expect((await recordings.replay(done.id)).segments).toHaveLength(done.segments);
  // Its encoder sends, so it is there again, and can be recorded.
  await record('after that');
});

test('one that is deleted is gone, and so are its objects', async () => {
  for (const { id } of await all()) expect((await recordings.ask('DELETE', `/${id}`)).status).toBe(204);
  expect(await all()).toEqual([]);
  expect((await fetch(recordings.playlistUrl(done.id))).status).toBe(404);
  await rig.until('the store is empty', () => objectsIn(store).length === 0, 40_000);
  expect(objectsIn(store, 'recordings')).toEqual([]);
});
