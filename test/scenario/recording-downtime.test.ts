import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { clientOf, recorded, segmentsMade, whilePublishing } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

describe.concurrent('what is made while the edge is away, by an encoder whose list does not reach back so far, is told of', () => {
  const forgetful = () => Rig.start({ encoder: { duration: 0.5, listSize: 4 } });
  const away = async (rig: Rig) => {
    await rig.edge.close();
    await segmentsMade(rig, 16);
    await rig.startEdge();
  };

  test('in a recording that goes on', async () => {
    await using rig = await forgetful();
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      await away(rig);
      await segmentsMade(rig, 6);
      await begun.stop();
      return begun;
    });
    const { state, gaps } = await snippet.recordings.ended(snippet.id, 30_000);
    expect({ state, reasons: gaps.map(({ reason }) => reason) }).toEqual({
      state: 'incomplete',
      reasons: ['source_skipped'],
    });
    const [gap] = gaps;
    const seconds = (Date.parse(gap!.until) - Date.parse(gap!.from)) / 1000;
    // Sixteen segments of half a second, without those that the list still names.
    expect(seconds).toBeGreaterThan(4);
    expect(seconds).toBeLessThan(10);
  });

  test('in one that ends meanwhile', async () => {
    await using rig = await forgetful();
    const recordings = clientOf(rig);
    const { id } = await whilePublishing(rig, async () => {
      await rig.until('the source appears', () => rig.source());
      const begun = await recordings.start({ source: rig.encoder.source, until: '+5s' });
      const isStored = async () => (await recordings.get(begun.id)).segments >= 2;
      await rig.until('some segments are stored', isStored);
      await away(rig);
      await segmentsMade(rig, 6);
      return begun;
    });
    expect(await recordings.ended(id, 30_000)).toMatchObject({
      state: 'incomplete',
      gaps: [{ reason: 'source_skipped' }],
    });
  });

  test('not where the encoder had stopped long before', async () => {
    await using rig = await forgetful();
    const recordings = clientOf(rig);
    await rig.encoder.publish(3);
    await rig.until('the source appears', () => rig.source());
    const { id } = await recordings.start({ source: rig.encoder.source });
    await sleep(18_000);
    await rig.edge.close();
    await rig.startEdge();
    rig.encoder.restart();
    await rig.encoder.publish(3);
    await recordings.stop(id);
    expect(await recordings.ended(id, 30_000)).toMatchObject({
      state: 'complete',
      gaps: [{ reason: 'source_silent' }],
    });
  });
});

test('a source of which the edge can take in nothing is not silent: what was recorded of it is incomplete', async () => {
  await using rig = await Rig.start();
  const recordings = clientOf(rig);
  const post = () => rig.encoder.post(rig.encoder.playlist(), { 'MPEG-TS-URI-Prefix': 'file:///etc' });
  await rig.encoder.make();
  expect((await post()).status).toBe(403);
  const sees = async () => (await rig.source())?.['trouble'] as { code: string } | undefined;
  await rig.until('control sees its trouble', async () => (await sees())?.code === 'prefix_not_allowed');
  const { id } = await recordings.start({ source: rig.encoder.source, until: '+2s' });
  await post();
  expect(await recordings.ended(id, 30_000)).toMatchObject({
    state: 'incomplete',
    segments: 0,
    gaps: [{ reason: 'source_refused' }],
  });
});
