import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Prober } from '../support/prober.ts';
import { Rig } from '../support/rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('a viewer gets the bytes that the encoder made, and nothing crosses the uplink before somebody watches', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(4);
  await rig.until('the source appears on control', () => rig.source());
  expect(await rig.source()).toMatchObject({
    state: 'idle',
    forwardedBytes: 0,
    mode: 'on-demand',
    edge: 'edge-1',
  });

  const prober = new Prober({ url: rig.playlistUrl, mustAnswer200: true });
  await prober.poll();
  await rig.encoder.publish(3);
  await rig.until('control lists the newest', async () => {
    await prober.poll();
    return prober.playlist?.segments.length === 6;
  });
  expect(prober.violations).toEqual([]);

  const text = await (await fetch(rig.playlistUrl)).text();
  const uris = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const served = await Promise.all(
    uris.map(async (uri) =>
      sha256(new Uint8Array(await (await fetch(new URL(uri, rig.playlistUrl))).arrayBuffer())),
    ),
  );
  expect(served).toEqual(rig.encoder.made.slice(1).map(sha256));
  expect(await rig.until('it is live', async () => (await rig.source())?.['state'] === 'live')).toBe(true);
});
