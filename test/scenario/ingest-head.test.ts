import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { playlistText } from '../support/encoder.ts';
import { Prober } from '../support/prober.ts';
import { Rig } from '../support/rig.ts';
import { syntheticSegment } from '../support/synthetic-segment.ts';

const post = async (rig: Rig, text: string) => {
  const response = await rig.encoder.post(text);
  const answer = (await response.json()) as { added?: number };
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answer;
};

/** The list that control serves. */
async function served(rig: Rig): Promise<string> {
  const prober = new Prober({ url: rig.playlistUrl, mustAnswer200: true });
  await rig.until('control knows the source', () => rig.source());
  await rig.until('three segments are listed', async () => {
    await prober.poll();
    return prober.playlist?.segments.length === 3;
  });
  expect(prober.violations).toEqual([]);
  return prober.playlist!.text;
}

test('what an encoder claims of all its segments, and where it wants players to begin, is served', async () => {
  await using rig = await Rig.start();
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  const head = ['#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-START:TIME-OFFSET=-2'];
  await post(rig, rig.encoder.playlist().replace('#EXTINF', `${head.join('\n')}\n#EXTINF`));
  const text = await served(rig);
  expect(text).toMatch(/SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=-2\n/);
});

test('pictures alone: parts of files without PAT and PMT are taken, and what a player needs before them is served', async () => {
  await using rig = await Rig.start();
  const files = await Promise.all(
    [0, 1, 2].map(async (sequence) => {
      const content = syntheticSegment({ run: 0, sequence, duration: 2, packets: 40 });
      await writeFile(join(rig.encoder.folder, `cam-${sequence}.ts`), content);
      return content;
    }),
  );
  const [begin, length] = [376, 188 * 5];
  const { added } = await post(
    rig,
    playlistText({
      mediaSequence: 0,
      head: ['#EXT-X-I-FRAMES-ONLY'],
      entries: files.map((_, at) => ({
        name: `cam-${at}.ts`,
        duration: 2,
        tags: [`#EXT-X-BYTERANGE:${length}@${begin}`],
      })),
    }),
  );
  expect(added).toBe(3);
  const text = await served(rig);
  expect(text).toMatch(/^#EXTM3U\n#EXT-X-VERSION:5\n/);
  expect(text).toContain('#EXT-X-I-FRAMES-ONLY\n');
  expect(text).not.toContain('GAP');
  const bytesAt = async (uri: string) =>
    Buffer.from(await (await fetch(new URL(uri, rig.playlistUrl))).arrayBuffer());
  const [map] = [...text.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)];
  expect(await bytesAt(map![1]!)).toEqual(files[0]!.subarray(0, begin));
  const segments = text.split('\n').filter((line) => /^[^#]/.test(line));
  expect(await Promise.all(segments.map(bytesAt))).toEqual(
    files.map((content) => content.subarray(begin, begin + length)),
  );
});
