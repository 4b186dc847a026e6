import { expect, test } from 'vitest';
import { playWithFfmpeg, pushAllWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import {
  expectFfmpegToPlay,
  expectPictureAndSound,
  probeAll,
  restartEncoders,
} from '../support/plays-intact.ts';
import { Probers } from '../support/probers.ts';

const moods: Record<string, readonly string[]> = {
  plain: [],
  persistent: ['-http_persistent', '1'],
  delete_segments: ['-hls_flags', 'delete_segments'],
  append_list: ['-hls_flags', 'append_list'],
  forgiving: ['-ignore_io_errors', '1', '-method', 'POST'],
};

test('ffmpeg pushes segments and playlists in all its moods, over a restart, and players follow', async () => {
  await using nodes = await Nodes.start();
  const push = (source: string) =>
    pushAllWithFfmpeg({ edgeUrl: nodes.edgeUrl, source, size: '160x90', flags: moods[source] ?? [] });
  const sources = Object.keys(moods);
  const encoders = new Map(sources.map((source) => [source, push(source)]));
  await using probers = new Probers();
  try {
    await probeAll(probers, nodes, sources, { timestamps: true });
    await expectPictureAndSound(nodes, sources);
    await expectFfmpegToPlay(nodes, sources, 8);
    await restartEncoders(nodes, encoders, push);
    await probers.stop();
    for (const [source, prober] of probers.all) {
      const text = await (await fetch(nodes.playlistUrl(source))).text();
      expect({ source, violations: prober.violations, text }).toEqual({ source, violations: [], text });
      expect({ source, text }).toEqual({ source, text: expect.stringMatching(/#EXT-X-DISCONTINUITY\n/) });
      expect(text).not.toContain('EXT-X-GAP');
      expect(text).not.toContain('EXT-X-ENDLIST');
    }
  } finally {
    for (const encoder of encoders.values()) await encoder[Symbol.asyncDispose]();
  }
});

test('ffmpeg shows the token that stands in its URL, when it is asked for it', async () => {
  const token = 'a-token-of-the-test-0123456789';
  await using nodes = await Nodes.start({ edge: { LIVEMIX_INGEST_TOKEN: token } });
  const edgeUrl = (password: string) => nodes.edgeUrl.replace('://', `://camera:${password}@`);
  const flags = ['-http_persistent', '0'];
  await using _stranger = pushAllWithFfmpeg({ edgeUrl: edgeUrl('wrong'), source: 'stranger', flags });
  await using _camera = pushAllWithFfmpeg({ edgeUrl: edgeUrl(token), source: 'camera', flags });
  await until('the camera is taken in', async () => (await nodes.source('camera'))?.['lastSegmentAt']);
  await until('a wrong token is told of', () => nodes.edge.stderr.includes('unauthorized'));
  const played = await playWithFfmpeg(nodes.playlistUrl('camera'), 6);
  expect(played).toEqual({ code: 0, complaints: '' });
  expect(await (await fetch(nodes.playlistUrl('camera'))).text()).not.toContain('EXT-X-GAP');
  expect(await nodes.source('stranger')).toBeUndefined();
});
