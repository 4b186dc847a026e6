import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { box } from '../../src/edge/ingest/check/box-for-test.ts';
import { Rig } from '../support/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ lanOnly: true });
});
afterAll(() => rig[Symbol.asyncDispose]());

const put = (path: string, body: Buffer | string) =>
  fetch(`${rig.edge.url}/v1/ingest/${path}`, { method: 'PUT', body });

describe('a file whose name is none of a segment', () => {
  test.each(['big.key', 'segment-1', 'keys/segment-1'])('%s is told that a key is small', async (name) => {
    const answer = await put(`cam-a/${name}`, Buffer.alloc(1_025));
    expect(answer.status).toBe(413);
    const problem = (await answer.json()) as { code: string; detail: string; hint: string };
    expect(problem.code).toBe('body_too_large');
    expect(problem.detail).toBe('A key has at most 1024 bytes, and this is the name of a key.');
    expect(problem.hint).toMatch(/extension.*\.ts, \.m4s/);
  });

  test('of 1 KiB is taken', async () => {
    expect((await put('cam-a/small.key', Buffer.alloc(1_024))).status).toBe(200);
  });
});

const ladder = (...uris: string[]) =>
  ['#EXTM3U', ...uris.flatMap((uri) => ['#EXT-X-STREAM-INF:BANDWIDTH=1', uri]), ''].join('\n');
const shown = async (name: string) => {
  const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as { name: string }[];
  return sources.find((source) => source.name === name);
};

describe('a multivariant playlist that names what is not of its source', () => {
  test.each([
    ['../x/index.m3u8'],
    ['http://evil.example/a.m3u8'],
    ['/abs.m3u8'],
    ['index.m3u8'],
    ['./index.m3u8'],
    ['a/../index.m3u8'],
  ])('by %s is refused with the line, and has no effect', async (uri) => {
    const name = `cam-${encodeURIComponent(uri).replace(/\W/g, '')}`;
    const answer = await put(`${name}/index.m3u8`, ladder('low/index.m3u8', uri));
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      code: 'foreign_playlist',
      detail: expect.stringMatching(/^line 4: /),
    });
    expect(await shown(name)).toMatchObject({ state: 'offline', trouble: { code: 'foreign_playlist' } });
    expect((await fetch(`${rig.edge.url}/live/${name}/index.m3u8`)).status).toBe(404);
    expect((await fetch(`${rig.edge.url}/v1/ingest/${name}/index.m3u8`)).status).toBe(404);
    expect(rig.logs.filter((line) => line['source'] === name && line['msg'] === 'source appeared')).toEqual(
      [],
    );
  });

  test('one that was taken in stays as it was', async () => {
    const good = ladder('low/index.m3u8', 'high/index.m3u8');
    expect(await (await put('cam-b/index.m3u8', good)).json()).toMatchObject({ renditions: ['low', 'high'] });
    expect((await put('cam-b/index.m3u8', ladder('low/index.m3u8', 'index.m3u8'))).status).toBe(422);
    expect(await (await fetch(`${rig.edge.url}/v1/ingest/cam-b/index.m3u8`)).text()).toBe(good);
  });

  test('or itself, where playlists are posted, is refused likewise', async () => {
    const headers = {
      'Video-Source-Name': 'cam-c',
      'MPEG-TS-URI-Prefix': `file://${rig.encoder.folder}`,
    };
    const post = (path: string, body: string) =>
      fetch(`${rig.edge.url}/v1/playlist/${path}`, { method: 'POST', body, headers });
    const answer = await post('master.m3u8', ladder('low.m3u8', 'master.m3u8'));
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/^line 4: .* itself/) });
    expect((await post('master.m3u8', ladder('low.m3u8', 'high.m3u8'))).status).toBe(200);
  });
});

test.each([
  ['key', '#EXT-X-KEY:METHOD=AES-128,URI="missing.key"'],
  ['init section', '#EXT-X-MAP:URI="missing.mp4"'],
])('a %s that was never pushed is named in what the operator is told', async (what, line) => {
  const name = `cam-without-${what.replace(' ', '-')}`;
  expect((await put(`${name}/a.m4s`, Buffer.concat([box('moof'), box('mdat')]))).status).toBe(200);
  const text = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n${line}\n#EXTINF:2,\na.m4s\n`;
  expect(await (await put(`${name}/index.m3u8`, text)).json()).toMatchObject({ added: 0 });
  const { trouble } = (await shown(name)) as unknown as { trouble: { detail: string; hint: string } };
  expect(trouble).toMatchObject({ code: 'missing_at_source', detail: expect.stringContaining(what) });
  expect(trouble.hint).toContain('Where they are pushed, push keys and init sections');
});
