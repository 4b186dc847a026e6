import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { box } from '../../src/edge/ingest/check/box-for-test.ts';
import { Rig } from '../support/rig.ts';

const fragment = (mark: string) => Buffer.concat([box('moof'), box('mdat', Buffer.from(mark))]);
const init = Buffer.concat([box('ftyp', Buffer.from('iso5')), box('moov', Buffer.alloc(16))]);

/** What is good in a kind of file, and what is not. `needs` is the init section that its playlist names. */
const kinds = [
  { extension: 'm4s', needs: 'init.mp4', good: fragment, bad: 'junk', why: /no MP4/ },
  {
    extension: 'mp4',
    needs: 'init.mp4',
    good: fragment,
    bad: fragment('x').subarray(0, -1),
    why: /whole packet or box/,
  },
  { extension: 'vtt', good: (mark: string) => Buffer.from(`WEBVTT\n\n${mark}`), bad: 'hello', why: /WEBVTT/ },
  { extension: 'aac', good: (mark: string) => Buffer.from(`ID3${mark}`), bad: 'hello', why: /ID3/ },
];
const textOf = (names: readonly string[], needs?: string) =>
  [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-TARGETDURATION:2',
    ...(needs === undefined ? [] : [`#EXT-X-MAP:URI="${needs}"`]),
    ...names.flatMap((name) => ['#EXTINF:2,', name]),
    '',
  ].join('\n');

type Shown = { name: string; trouble?: { code: string } };
const troubleOf = async (rig: Rig, name: string) => {
  const shown = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as Shown[];
  return shown.find((source) => source.name === name)?.trouble?.code;
};
const put = (url: string, body: Buffer | string) => fetch(url, { method: 'PUT', body });

test.each(kinds)(
  '.$extension that is none is refused when it is pushed, and a gap when it is read',
  async ({ extension, needs, good, bad, why }) => {
    await using rig = await Rig.start({ lanOnly: true });
    const base = `${rig.edge.url}/v1/ingest/pushed`;
    const folder = join(rig.encoder.folder, 'read');
    await mkdir(folder);
    const names = ['a', 'b', 'c'].map((name) => `${name}.${extension}`);
    const contents = [good('1'), bad, good('3')];
    if (needs !== undefined) {
      await writeFile(join(folder, needs), init);
      expect((await put(`${base}/${needs}`, init)).status).toBe(200);
    }
    const headers = { 'Video-Source-Name': 'read', 'MPEG-TS-URI-Prefix': `file://${folder}` };
    for (const [at, name] of names.entries()) {
      await writeFile(join(folder, name), contents[at]!);
      const answer = await put(`${base}/${name}`, contents[at]!);
      expect(answer.status).toBe(at === 1 ? 422 : 200);
      if (at === 1)
        expect(await answer.json()).toMatchObject({
          code: 'bad_segment',
          detail: expect.stringMatching(why),
        });
      const text = textOf(names.slice(0, at + 1), needs);
      const ways = [
        put(`${base}/index.m3u8`, text),
        fetch(`${rig.edge.url}/v1/playlist`, { method: 'POST', body: text, headers }),
      ];
      for (const answer of await Promise.all(ways))
        expect(await answer.json()).toMatchObject({ added: at === 1 ? 0 : 1 });
      if (at === 1) expect(await troubleOf(rig, 'read')).toBe('truncated_at_source');
    }
    for (const source of ['pushed', 'read']) {
      const list = await (await fetch(`${rig.edge.url}/live/${source}/index.m3u8`)).text();
      expect(list.match(/#EXTINF/g)).toHaveLength(3);
      expect(list.match(/#EXT-X-GAP/g)).toHaveLength(1);
    }
  },
);

test.each([
  ['a word', Buffer.from('hello')],
  ['a fragment', fragment('x')],
])('an init section that is %s is not served: nothing plays without one', async (_, content) => {
  await using rig = await Rig.start({ lanOnly: true });
  const base = `${rig.edge.url}/v1/ingest/pushed`;
  const folder = join(rig.encoder.folder, 'read');
  await mkdir(folder);
  await writeFile(join(folder, 'init.mp4'), content);
  await writeFile(join(folder, 'a.m4s'), fragment('1'));
  await put(`${base}/init.mp4`, content);
  await put(`${base}/a.m4s`, fragment('1'));
  const text = textOf(['a.m4s'], 'init.mp4');
  const headers = { 'Video-Source-Name': 'read', 'MPEG-TS-URI-Prefix': `file://${folder}` };
  const ways = [
    put(`${base}/index.m3u8`, text),
    fetch(`${rig.edge.url}/v1/playlist`, { method: 'POST', body: text, headers }),
  ];
  for (const answer of await Promise.all(ways)) expect(await answer.json()).toMatchObject({ added: 0 });
  expect(await troubleOf(rig, 'read')).toBe('truncated_at_source');
});
