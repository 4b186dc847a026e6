import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pushWithFfmpeg, segmentFiles } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { expectFilesInARow, RecordingsClient } from '../support/recording.ts';

test('a recording of a minute ends complete although control dies for 20 s and the edge is killed', async () => {
  await using nodes = await Nodes.start();
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'gate',
    folder: nodes.media,
    fileName: 'cam-%06d.ts',
  });
  await until('the source appears', () => nodes.source('gate'));
  const recordings = new RecordingsClient(() => nodes.controlUrl);
  const { id } = await recordings.start({ source: 'gate', until: '+60s' });
  await sleep(15_000);
  nodes.control.signal('SIGKILL');
  await nodes.control.ended();
  await sleep(10_000);
  nodes.edge.signal('SIGKILL');
  await nodes.edge.ended();
  await nodes.startEdge();
  await sleep(10_000);
  await nodes.startControl();

  const recording = await recordings.ended(id, 60_000);
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });
  expect(recording.durationSeconds).toBeGreaterThanOrEqual(60);
  const { text, segments } = await recordings.replay(id);
  expect(text).not.toContain('EXT-X-GAP');
  expect(text).not.toContain('EXT-X-DISCONTINUITY\n');
  expectFilesInARow(await segmentFiles(nodes.media), segments, await recordings.download(id));
});
