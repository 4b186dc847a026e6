import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Memcached, startMemcached } from '../support/memcached.ts';
import { Prober } from '../support/prober.ts';
import { Rig } from '../support/rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** No request may wait for a memcached that does not answer. */
const PATIENCE_MS = 500;

async function metric(node: string, name: string): Promise<number> {
  const text = await (await fetch(`${node}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${name}[{ ]`).test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** A viewer of a source at its own pace who notes all that is slow or wrong. */
async function watch(rig: Rig, whileThat: () => Promise<void>) {
  const slow: string[] = [];
  const got: string[] = [];
  const stop = new AbortController();
  const encoding = rig.encoder.publishPaced(stop.signal);
  await rig.until('the source appears', () => rig.source());
  await (await fetch(rig.playlistUrl)).text();
  const prober = new Prober({
    url: rig.playlistUrl,
    mustAnswer200: true,
    fetch: async (url, init) => {
      const from = performance.now();
      const response = await fetch(url, init);
      const body = new Uint8Array(await response.clone().arrayBuffer());
      const took = performance.now() - from;
      if (took > PATIENCE_MS) slow.push(`${Math.round(took)} ms: ${url}`);
      if (url.includes('/m/') && init.method === 'GET' && response.ok) got.push(sha256(body));
      return response;
    },
  });
  const watching = prober.run({ everyMs: 200, signal: stop.signal });
  await whileThat();
  const seen = got.length;
  await rig.until('the viewer gets more', () => got.length >= seen + 2);
  stop.abort();
  await Promise.all([encoding, watching]);
  const made = new Set(rig.encoder.made.map(sha256));
  expect(got.filter((digest) => !made.has(digest))).toEqual([]);
  expect(slow).toEqual([]);
  expect(prober.violations).toEqual([]);
  expect(Object.keys(prober.answers)).toEqual(['200']);
}

describe.concurrent('live over memcached', () => {
  test.each<[string, (server: Memcached) => Promise<void>]>([
    [
      'that forgets everything every second',
      async (server) => {
        for (let second = 0; second < 6; second++) {
          await server.flushAll();
          await sleep(1_000);
        }
      },
    ],
    [
      'that stands still for four seconds',
      async (server) => {
        await server.freeze();
        await sleep(4_000);
        server.thaw();
        await sleep(1_000);
      },
    ],
    [
      'that dies and comes back empty',
      async (server) => {
        await server.kill();
        await sleep(2_500);
        await server.restart();
        await sleep(2_500);
      },
    ],
  ])('a viewer does not notice one %s (F18)', async (_, hurt) => {
    await using server = await startMemcached();
    await using rig = await Rig.start({ control: { 'cache-url': server.url }, encoder: { packets: 800 } });
    await watch(rig, () => hurt(server));
  });

  test('what a restarted control finds in memcached does not cross the uplink again', async () => {
    await using server = await startMemcached();
    await using rig = await Rig.start({ control: { 'cache-url': server.url }, encoder: { packets: 800 } });
    await rig.encoder.publish(8);
    await rig.until('the source appears', () => rig.source());
    const before = await (await fetch(rig.playlistUrl)).text();
    const names = before.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    await rig.until('memcached has them', async () => (await server.stat('curr_items')) >= names.length);
    const forwarded = async () => {
      const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as {
        forwardedBytes: number;
      }[];
      return sources[0]!.forwardedBytes;
    };
    const crossed = await forwarded();
    expect(crossed).toBeGreaterThan(0);
    await rig.control.close();
    await rig.startControl();
    const after = await fetch(rig.playlistUrl);
    expect(after.status).toBe(200);
    expect(await after.text()).toBe(before);
    const made = new Set(rig.encoder.made.map(sha256));
    for (const name of names) {
      const segment = await fetch(new URL(name, rig.playlistUrl));
      expect(segment.status).toBe(200);
      expect(made.has(sha256(new Uint8Array(await segment.arrayBuffer())))).toBe(true);
    }
    expect(await metric(rig.control.url, 'livemix_control_live_from_cache_total')).toBe(names.length);
    expect(await forwarded()).toBe(crossed);
  });
});
