import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { Prober } from '../support/prober.ts';
import { Rig, type RigOptions } from '../support/rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function metric(node: string, name: string): Promise<number> {
  const text = await (await fetch(`${node}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${name}[{ ]`).test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function startWithLine(options: RigOptions): Promise<{ rig: Rig; line: FaultProxy }> {
  let line: FaultProxy | undefined;
  const rig = await Rig.start({
    ...options,
    edgeDials: async (control) => {
      line = await startFaultProxy(control);
      return line.url;
    },
  });
  return { rig, line: line! };
}

/** The encoder and a viewer go on until the end of the scope. */
function play(rig: Rig, prober: Prober): AsyncDisposable {
  const stop = new AbortController();
  const running = [
    rig.encoder.publishPaced(stop.signal),
    rig
      .until('the source appears', () => rig.source())
      .then(() => prober.run({ everyMs: 250, signal: stop.signal })),
  ];
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(running);
    },
  };
}

describe.concurrent('a line that is not enough', () => {
  test('on a line narrower than the source live skips openly and does not stall', async () => {
    // 226 KB in half a second.
    const { rig, line } = await startWithLine({ encoder: { duration: 0.5, packets: 1200, listSize: 10 } });
    await using _rig = rig;
    await using _line = line;
    const lists = new Map<number, number>();
    const prober = new Prober({ url: rig.playlistUrl, mustAnswer200: true });
    const newest = () => {
      const last = prober.playlist?.segments.at(-1);
      if (last !== undefined && !lists.has(last.sequence)) lists.set(last.sequence, performance.now());
      return last;
    };
    await rig.encoder.publish(8);
    await using _play = play(rig, prober);
    const before = await rig.until('the viewer has a list', newest);
    // An eighth of what is made goes through, until live has fallen two tails behind and skips.
    line.rate(60_000);
    const skipped = async () => newest() && metric(rig.edge.url, 'livemix_edge_live_skipped_total');
    await rig.until('live has skipped', skipped, 25_000);
    line.rate(3_000_000);
    const shown = () => (newest()?.discontinuitySequence ?? 0) > before.discontinuitySequence;
    await rig.until('the new stretch is shown', shown);
    const changes = [...lists.values()];
    const longest = Math.max(...changes.slice(1).map((at, index) => at - changes[index]!));
    // A new stretch is shown when its tail is there: three seconds of media over six times their width.
    expect(longest).toBeLessThan(8_000);
    expect(prober.violations).toEqual([]);
    expect(prober.playlist!.text).not.toContain('#EXT-X-GAP');
    expect(await rig.source()).toMatchObject({ state: 'live' });
  });

  test('an upload that breaks in its middle leaves nothing behind and is made good', async () => {
    const { rig, line } = await startWithLine({ encoder: { duration: 1, packets: 4000 } });
    await using _rig = rig;
    await using _line = line;
    const got = new Set<string>();
    const prober = new Prober({
      url: rig.playlistUrl,
      mustAnswer200: true,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (url.includes('/m/') && init.method === 'GET' && response.ok) {
          got.add(sha256(new Uint8Array(await response.clone().arrayBuffer())));
        }
        return response;
      },
    });
    await using _play = play(rig, prober);
    await rig.until('the viewer has a list', () => prober.playlist);
    for (let turn = 0; turn < 4; turn++) {
      await line.resetAfter(300_000 + turn * 90_000);
      const made = rig.encoder.made.length;
      await rig.until('two more are made', () => rig.encoder.made.length >= made + 2);
    }
    const newest = () => sha256(rig.encoder.made.at(-2)!);
    await rig.until('the viewer is at the live edge', () => got.has(newest()));
    expect(prober.violations).toEqual([]);
    const made = rig.encoder.made.map(sha256);
    expect([...got].filter((digest) => !made.includes(digest))).toEqual([]);
    // Breaks of a moment cost no viewer anything: from the first it got, it got all.
    const first = made.findIndex((digest) => got.has(digest));
    expect(made.slice(first, -2).filter((digest) => !got.has(digest))).toEqual([]);
    expect(await metric(rig.control.url, 'livemix_control_live_refused_total')).toBe(0);
  });

  test('an upload that control has got, but whose answer was lost, is not sent again', async () => {
    const { rig, line } = await startWithLine({ encoder: { duration: 1, packets: 400 } });
    await using _rig = rig;
    await using _line = line;
    await rig.encoder.publish(4);
    await rig.until('the source appears', () => rig.source());
    expect((await fetch(rig.playlistUrl)).status).toBe(200);
    const had = await metric(rig.control.url, 'livemix_control_live_segments_total');
    // What goes up takes its time; the answer never comes.
    line.delay(300);
    await rig.encoder.publish(1);
    await rig.until(
      'control has it',
      async () => (await metric(rig.control.url, 'livemix_control_live_segments_total')) > had,
    );
    await line.reset();
    await line.heal();
    await rig.encoder.publish(2);
    await rig.until(
      'control has the next ones',
      async () => (await metric(rig.control.url, 'livemix_control_live_segments_total')) === had + 3,
    );
    expect(await metric(rig.control.url, 'livemix_control_live_repeated_total')).toBe(0);
    expect(await metric(rig.edge.url, 'livemix_edge_uplink_repeated_bytes_total')).toBe(0);
    const prober = new Prober({ url: rig.playlistUrl, mustAnswer200: true });
    await prober.poll();
    expect(prober.violations).toEqual([]);
  });
});
