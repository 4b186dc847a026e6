import { expect, test } from 'vitest';
import { RecordingsClient } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

/** What an encoder says of its second segment, as it must reach viewers. */
const said = {
  title: 'the news, at eight',
  before: ['# a comment: é', '#EXT-X-CUE-OUT:30.0', '#EXT-X-BITRATE:512', '#EXT-X-OWN:"a",b=1'],
};
/** A bit rate is a state, as a key is: it stands before what is the segment's own. */
const lines = [
  '#EXT-X-BITRATE:512',
  ...said.before.filter((line) => !line.startsWith('#EXT-X-BITRATE')),
  '#EXTINF:1.0*,the news, at eight',
];
const dateRange = (at: number) =>
  `#EXT-X-DATERANGE:ID="ad",START-DATE="${new Date(at).toISOString()}",PLANNED-DURATION=30,SCTE35-OUT=0xFC002F`;

/** The lines that stand with the titled segment; EXTINF in its shortest form. */
function withTitled(text: string): readonly string[] {
  const all = text.replace(/^#EXTINF:1\.0*,/gm, '#EXTINF:1.0*,').split('\n');
  const until = all.indexOf(lines.at(-1)!) + 1;
  const from = all.slice(0, until).findLastIndex((line) => !line.startsWith('#')) + 1;
  return all.slice(from, until);
}

test('title, comments, cues and date ranges reach who watches at the edge, at control and a replay, in their place', async () => {
  await using rig = await Rig.start();
  const recordings = new RecordingsClient(() => rig.control.url);
  await rig.encoder.publish(1);
  await rig.until('the source appears', () => rig.source());
  const { id } = await recordings.start({ source: 'camera-0', from: '-1s' });
  const range = dateRange(Date.now());
  const at = `#EXT-X-PROGRAM-DATE-TIME:${new Date().toISOString()}`;
  await rig.encoder.make(1, { ...said, before: [...said.before, range, at] });
  expect((await rig.encoder.post()).status).toBe(200);
  await rig.encoder.publish(2);

  const textOf = async (url: string) => {
    const answer = await fetch(url);
    return answer.ok ? answer.text() : '';
  };
  const places = {
    edge: `${rig.edge.url}/live/camera-0/index.m3u8`,
    control: rig.playlistUrl,
    replay: recordings.playlistUrl(id),
  };
  for (const [place, url] of Object.entries(places)) {
    const has = async () => (await textOf(url)).includes(said.title);
    await rig.until(`the title stands at ${place}`, has);
    const found = withTitled(await textOf(url));
    expect(found.filter((line) => lines.includes(line))).toEqual(lines);
    expect(found.some((line) => line.startsWith('#EXT-X-DATERANGE:ID="ad"'))).toBe(true);
  }
});

test('a bit rate, a date range and what the head says are there for who comes when their segments have left every list', async () => {
  await using rig = await Rig.start();
  const range = dateRange(Date.now()).replace('DURATION=30', 'DURATION=600');
  const head = (text: string) => text.replace('#EXTINF', '# camera 7\n#EXT-X-BITRATE:640\n#EXTINF');
  const publish = async (before: readonly string[] = []) => {
    await rig.encoder.make(1, { before });
    expect((await rig.encoder.post(head(rig.encoder.playlist()))).status).toBe(200);
  };
  await publish([range]);
  for (let made = 1; made < 16; made++) await publish();
  await rig.until('the source appears', () => rig.source());
  for (const url of [`${rig.edge.url}/live/camera-0/index.m3u8`, rig.playlistUrl]) {
    await rig.until(`there is a list at ${url}`, async () => (await fetch(url)).ok);
    const text = await (await fetch(url)).text();
    expect(text.match(/#EXTINF/g)!.length).toBeLessThan(11);
    const begin = text.slice(0, text.indexOf('#EXTINF')).split('\n');
    expect(begin).toEqual(expect.arrayContaining(['# camera 7', '#EXT-X-BITRATE:640', range]));
    expect(text.match(/# camera 7|BITRATE|DATERANGE/g)?.length).toBe(3);
  }
});
