import { expect, test } from 'vitest';
import { playlistText } from '../support/encoder.ts';
import { RecordingsClient } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';
import { syntheticSegment } from '../support/synthetic-segment.ts';

const master = `#EXTM3U
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/one.bin"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://elsewhere",KEYFORMAT="com.example"
#EXT-X-STREAM-INF:BANDWIDTH=300000
video/index.m3u8
`;
const keys = { one: Buffer.from('0123456789abcdef'), two: Buffer.from('fedcba9876543210') };

test('a session key beside its playlist is the key that segments have, live and replayed, also when that changes', async () => {
  await using rig = await Rig.start();
  const recordings = new RecordingsClient(() => rig.control.url);
  const push = (path: string, body: Buffer | string) =>
    fetch(`${rig.edge.url}/v1/ingest/vault/${path}`, { method: 'PUT', body });
  const textOf = async (url: string) => {
    const answer = await fetch(url);
    return answer.ok ? answer.text() : '';
  };
  for (const [name, bytes] of Object.entries(keys)) await push(`keys/${name}.bin`, bytes);
  const entries: { name: string; duration: number; tags: string[] }[] = [];
  const publish = async (key: keyof typeof keys) => {
    const name = `${entries.length}.ts`;
    await push(`video/${name}`, syntheticSegment({ run: 0, sequence: entries.length, duration: 1 }));
    entries.push({ name, duration: 1, tags: [`#EXT-X-KEY:METHOD=AES-128,URI="../keys/${key}.bin"`] });
    expect((await push('video/index.m3u8', playlistText({ mediaSequence: 0, entries }))).status).toBe(200);
  };
  for (let made = 0; made < 4; made++) await publish('one');
  expect((await push('master.m3u8', master)).status).toBe(200);
  await rig.until('control knows it', () => rig.source('vault'));
  const { id } = await recordings.start({ source: 'vault', from: '-30s' });

  /** The bytes of the keys that a multivariant playlist names for this session, once its media playlist was seen. */
  const sessionKeys = async (index: string) => {
    const text = await textOf(index);
    expect(text.match(/URI="skd:\/\/elsewhere"/g)).toHaveLength(1);
    expect(text).not.toContain('{}');
    const urls = [...text.matchAll(/SESSION-KEY:METHOD=AES-128,URI="(.+)"/g)].map(([, url]) => url!);
    const list = await textOf(new URL(/^[^#\n].*$/m.exec(text)![0], index).href);
    for (const url of urls) expect(list).toContain(`#EXT-X-KEY:METHOD=AES-128,URI="${url}"`);
    return Promise.all(
      urls.map(async (url) => Buffer.from(await (await fetch(new URL(url, index))).arrayBuffer())),
    );
  };
  const places = [`${rig.edge.url}/live/vault/index.m3u8`, `${rig.control.url}/live/vault/index.m3u8`];
  const named = async () => (await textOf(places[1]!)).includes('STREAM-INF');
  await rig.until('control has heard of it', named);
  for (const index of places) {
    await rig.until(`${index} has the first key`, async () => (await sessionKeys(index))[0]);
    expect(await sessionKeys(index)).toEqual([keys.one]);
  }
  for (let made = 0; made < 2; made++) await publish('two');
  for (const index of places) {
    const isSecond = async () => (await sessionKeys(index))[0]?.equals(keys.two);
    await rig.until(`${index} has the second key`, isSecond);
  }
  await recordings.stop(id);
  await publish('two');
  await recordings.ended(id);
  expect(await sessionKeys(recordings.playlistUrl(id))).toEqual([keys.one]);
});
