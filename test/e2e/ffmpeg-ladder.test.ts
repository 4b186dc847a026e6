import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Browser } from '../support/chromium.ts';
import { playWithFfmpeg, probeStreams, pushLadderWithFfmpeg } from '../support/ffmpeg.ts';
import { textOf } from '../support/hls-text.ts';
import { Nodes, until } from '../support/nodes.ts';
import { startPlayerSite } from '../support/player-page.ts';
import { allPlayOn, openPlayers } from '../support/plays-on.ts';
import { checkInStep, checkLadder, type LadderFinding } from '../support/prober-ladder.ts';
import { Probers } from '../support/probers.ts';
import type { Running } from '../support/process.ts';
import { RecordingsClient, urisOf } from '../support/recording.ts';

/** Two variants, sound of its own, and subtitles; stock ffmpeg posts no header with its subtitles, so only a push has them. */
const ladders = {
  pushed: { by: 'push', flags: [], renditions: ['high', 'low', 'sound', 'low-index_vtt'] },
  'pushed-fmp4': {
    by: 'push',
    flags: ['-hls_segment_type', 'fmp4'],
    renditions: ['high', 'low', 'sound', 'low-index_vtt'],
  },
  posted: { by: 'post', flags: [], renditions: ['high', 'low', 'sound'] },
  // ffmpeg pushes the key beside the multivariant playlist, and names it in each list by the URL that it pushed to.
  'pushed-aes-128': {
    by: 'push',
    flags: ['-hls_enc', '1', '-hls_enc_key', '0123456789abcdef'],
    renditions: ['high', 'low', 'sound'],
  },
} as const;
type Source = keyof typeof ladders;
const hasSubtitles = (source: Source): boolean =>
  (ladders[source].renditions as readonly string[]).includes('low-index_vtt');

/** A few at a time, as more starve on two cores. */
const groups: { readonly sources: readonly Source[] }[] = [
  { sources: ['pushed', 'pushed-aes-128'] },
  { sources: ['pushed-fmp4', 'posted'] },
];

test.each(groups)(
  'ladders with sound and subtitles of their own go through intact, over a restart: $sources',
  async ({ sources }) => {
    await using nodes = await Nodes.start();
    const subtitles = join(nodes.media, 'subtitles.vtt');
    writeFileSync(subtitles, webVtt(120));
    const encode = (source: Source): Running => {
      const { by, flags } = ladders[source];
      const folder = join(nodes.media, source);
      mkdirSync(folder, { recursive: true });
      return pushLadderWithFfmpeg({
        edgeUrl: nodes.edgeUrl,
        source,
        flags,
        ...(by === 'post' && { folder }),
        ...(hasSubtitles(source) && { subtitles }),
      });
    };
    const url = (source: Source, file: string) => `${nodes.controlUrl}/live/${source}/${file}.m3u8`;
    await using site = await startPlayerSite();
    await using browser = await Browser.start();
    const encoders = new Map(sources.map((source) => [source, encode(source)]));
    await using probers = new Probers();
    const ladderFindings: LadderFinding[] = [];
    try {
      for (const source of sources) {
        await until(`${source} is known as a ladder`, async () =>
          (await textOf(nodes.playlistUrl(source))).includes('#EXT-X-STREAM-INF'),
        );
        for (const rendition of ladders[source].renditions) {
          await until(
            `${source}/${rendition} is there`,
            async () => (await fetch(url(source, rendition))).status !== 404,
          );
          // Subtitles are no media that a prober of pictures reads.
          const options = { url: url(source, rendition), mustAnswer200: true, timestamps: false };
          probers.follow(`${source}/${rendition}`, options, 900);
        }
        const ofSource = new Map([...probers.all].filter(([place]) => place.startsWith(`${source}/`)));
        probers.beside(async (signal) => {
          while (!signal.aborted) {
            ladderFindings.push(
              ...checkInStep(ofSource),
              ...checkLadder(await textOf(nodes.playlistUrl(source))),
            );
            await sleep(500);
          }
        });
      }
      for (const source of sources) {
        const codecs = (await probeStreams(nodes.playlistUrl(source))).map((stream) => stream['codec_name']);
        // ffmpeg plays no subtitles of HLS.
        expect({ source, codecs: new Set(codecs) }).toEqual({ source, codecs: new Set(['aac', 'h264']) });
        if (!hasSubtitles(source)) continue;
        const list = url(source, 'low-index_vtt');
        const [first] = urisOf(await textOf(list));
        expect(await textOf(new URL(first!, list).href)).toMatch(/^WEBVTT\n/);
      }
      const play = () => Promise.all(sources.map((source) => playWithFfmpeg(nodes.playlistUrl(source), 8)));
      expect((await play()).filter(({ code }) => code !== 0)).toEqual([]);
      const pages = await openPlayers(browser, site, nodes, sources);
      await allPlayOn(pages, 'the start');
      for (const source of sources.filter(hasSubtitles)) {
        const tracks = await pages
          .get(`hls.js, ${source}`)!
          .evaluate(`document.querySelector('video').textTracks.length`);
        expect({ source, tracks }).toEqual({ source, tracks: 1 });
      }
      const recordings = new RecordingsClient(() => nodes.controlUrl);
      const spans = await Promise.all(
        sources.map((source) => recordings.start({ source, from: '-6s', until: '+12s' })),
      );
      await sleep(4_000);
      for (const [source, encoder] of encoders) {
        await encoder[Symbol.asyncDispose]();
        encoders.set(source, encode(source));
      }
      await sleep(12_000);
      await allPlayOn(pages, 'an encoder restart');
      await probers.stop();
      for (const [place, { violations }] of probers.all)
        expect({ place, violations }).toEqual({ place, violations: [] });
      expect(ladderFindings).toEqual([]);
      for (const { id, source } of spans) {
        const { state } = await recordings.ended(id, 40_000);
        expect({ source, state }).toEqual({ source, state: 'complete' });
        const index = await recordings.playlist(id);
        for (const rendition of ladders[source as Source].renditions) {
          expect({ source, index }).toEqual({ source, index: expect.stringContaining(`${rendition}.m3u8`) });
          const list = await textOf(recordings.playlistUrl(id).replace('index', rendition));
          expect({ source, rendition, list }).toEqual({
            source,
            rendition,
            list: expect.stringMatching(/#EXT-X-DISCONTINUITY\n(?:.*\n)*#EXT-X-ENDLIST\n$/),
          });
        }
        expect((await playWithFfmpeg(recordings.playlistUrl(id), 60)).code).toBe(0);
      }
      for (const page of pages.values())
        expect(
          ((await page.evaluate('window.fatal')) as unknown[]).filter(
            (error) => !/Symbol\.iterator/.test(String(error)),
          ),
        ).toEqual([]);
    } finally {
      for (const encoder of encoders.values()) await encoder[Symbol.asyncDispose]();
    }
  },
);

const webVtt = (seconds: number): string => {
  const time = (at: number) =>
    `00:${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}.000`;
  const cues = Array.from({ length: seconds }, (_, at) => `${time(at)} --> ${time(at + 1)}\nsecond ${at}\n`);
  return `WEBVTT\n\n${cues.join('\n')}`;
};
