import { expect, test } from 'vitest';
import { RecordingsClient, sha256 } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

/** Segments of some 4 MB, so that the spool and the memory behind it are soon full. */
const packets = Math.round(4e6 / 188);

test('a full spool keeps what it was asked to keep, states what it could not, and recovers', async () => {
  await using rig = await Rig.start({
    edge: { 'spool-bytes': '20MB' },
    encoder: { duration: 0.5, packets },
  });
  const recordings = new RecordingsClient(() => rig.control.url);
  await rig.encoder.publish(1);
  await rig.until('the source appears', () => rig.source());
  const { id } = await recordings.start({ source: 'camera-0' });
  const kept = () => rig.logs.some(({ msg }) => msg === 'recording is asked for');
  await rig.until('the edge knows of it', kept);
  await rig.control.close();

  const answers: number[] = [];
  for (let made = 0; made < 24; made++) {
    await rig.encoder.make();
    answers.push((await rig.encoder.post()).status);
  }
  // The spool takes five, memory twelve more; what comes then is refused, and stated.
  expect(answers.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => 200));
  expect(answers).toContain(507);
  const warned = () => rig.logs.some(({ msg }) => String(msg).includes('of LIVEMIX_SPOOL_BYTES'));
  await rig.until('the operator is warned', warned);
  // It is not the disk: whoever lowered the bound would lose more.
  const told = rig.logs.map(({ msg }) => String(msg)).filter((msg) => /memory/.test(msg));
  expect(told).toEqual([
    expect.stringMatching(/^recordings that wait for control fill LIVEMIX_SPOOL_BYTES: .* raise /),
    expect.stringMatching(/^recordings that wait for control fill LIVEMIX_SPOOL_BYTES, .* lost\. .* raise /),
  ]);

  await rig.startControl();
  const stored = async () => (await recordings.get(id)).segments >= 12;
  await rig.until('what was kept is delivered', stored, 30_000);
  await rig.until('there is room again', async () => {
    await rig.encoder.make();
    return (await rig.encoder.post()).status === 200;
  });
  await recordings.stop(id);
  await rig.encoder.publish(3);
  const recording = await recordings.ended(id, 30_000);
  expect(recording.state).toBe('incomplete');
  expect(recording.gaps.map(({ reason }) => reason)).toContain('spool_full');
  const made = new Set(rig.encoder.made.map(sha256));
  const bytes = await recordings.download(id);
  expect(bytes.length).toBe(recording.bytes);
  const length = rig.encoder.made[0]!.length;
  for (let at = 0; at < bytes.length; at += length) {
    expect(made.has(sha256(bytes.subarray(at, at + length)))).toBe(true);
  }
});
