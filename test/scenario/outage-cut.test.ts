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

/** An encoder at its own pace, a line that can be hurt, and a suspicious viewer. */
class Outage implements AsyncDisposable {
  readonly prober: Prober;
  /** SHA-256 of every segment that the viewer got. */
  readonly got = new Set<string>();
  /** Numbers in the order in which they were listed first, and whether with EXT-X-DISCONTINUITY. */
  readonly listed = new Map<number, boolean>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  private constructor(
    readonly rig: Rig,
    readonly line: FaultProxy,
  ) {
    this.prober = new Prober({
      url: rig.playlistUrl,
      mustAnswer200: true,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (url.includes('/m/') && init.method === 'GET' && response.ok) {
          this.got.add(sha256(new Uint8Array(await response.clone().arrayBuffer())));
        }
        return response;
      },
    });
  }

  static async start(options: RigOptions = {}): Promise<Outage> {
    let line: FaultProxy | undefined;
    const rig = await Rig.start({
      encoder: { duration: 0.5, listSize: 10 },
      ...options,
      edgeDials: async (control) => {
        line = await startFaultProxy(control);
        return line.url;
      },
    });
    const outage = new Outage(rig, line!);
    const { signal } = outage.#stop;
    outage.#running.push(rig.encoder.publishPaced(signal));
    await rig.until('the source appears', () => rig.source());
    outage.#running.push(outage.prober.run({ everyMs: 250, signal }), outage.#follow(signal));
    await outage.plays();
    return outage;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const { sequence, discontinuity } of this.prober.playlist?.segments ?? []) {
        if (!this.listed.has(sequence)) this.listed.set(sequence, discontinuity);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get newest(): number {
    return Math.max(0, ...this.listed.keys());
  }

  /** Waits until the viewer's list ends with one of the two newest segments, as the LAN knows them. */
  async plays(withinMs = 15_000): Promise<void> {
    await this.rig.until(
      'the viewer is at the live edge',
      async () => {
        const text = await (await fetch(this.rig.lanPlaylistUrl)).text();
        const newest = text.split('\n').filter((line) => line.endsWith('.ts'));
        const shown = this.prober.playlist?.segments.at(-1)?.uri ?? '';
        return newest.slice(-2).includes(shown) && this.prober.playlist!.segments.length >= 6;
      },
      withinMs,
    );
  }

  /** Waits until the encoder has made so many more segments. */
  async segments(count: number): Promise<void> {
    const wanted = this.rig.encoder.made.length + count;
    await this.rig.until(
      `${count} segments are made`,
      () => this.rig.encoder.made.length >= wanted,
      count * 1000 + 5_000,
    );
  }

  /** What every outage must leave true. */
  check(): void {
    expect(this.prober.violations).toEqual([]);
    expect(Object.keys(this.prober.answers)).toEqual(['200']);
    const made = new Set(this.rig.encoder.made.map(sha256));
    expect([...this.got].filter((digest) => !made.has(digest))).toEqual([]);
    expect(this.prober.playlist!.text).not.toContain('#EXT-X-GAP');
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.line[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
  }
}

describe.concurrent('the line between edge and control', () => {
  test('without faults nothing is sent twice, and every segment is shown', async () => {
    await using outage = await Outage.start();
    await outage.segments(10);
    await outage.plays();
    outage.check();
    expect(await metric(outage.rig.edge.url, 'livemix_edge_uplink_repeated_bytes_total')).toBe(0);
    expect(await metric(outage.rig.control.url, 'livemix_control_live_repeated_total')).toBe(0);
    expect(await metric(outage.rig.edge.url, 'livemix_edge_live_skipped_total')).toBe(0);
    expect(await metric(outage.rig.edge.url, 'livemix_edge_live_stretches_total')).toBe(1);
    const numbers = [...outage.listed.keys()];
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
    // Little but media crosses the line.
    const sent = await metric(outage.rig.edge.url, 'livemix_edge_uplink_bytes_total');
    expect(outage.line.bytesUp()).toBeGreaterThan(sent);
    expect(outage.line.bytesUp()).toBeLessThan(sent * 1.5 + 50_000);
  });

  for (const kind of ['cut', 'reset'] as const) {
    test(`after two seconds of ${kind} live goes on within five`, async () => {
      await using outage = await Outage.start();
      const { line } = outage;
      await (kind === 'cut' ? line.cut() : line.reset());
      await outage.segments(4);
      await line.heal();
      await outage.plays(5_000);
      await outage.segments(4);
      await outage.plays();
      outage.check();
    });

    test(`after eight seconds of ${kind} live jumps to the newest, openly`, async () => {
      await using outage = await Outage.start();
      const { line, prober } = outage;
      await (kind === 'cut' ? line.cut() : line.reset());
      await outage.segments(2);
      const before = outage.newest;
      const shown = prober.playlist!.text;
      await outage.segments(14);
      expect(prober.playlist!.text).toBe(shown);
      const healedAt = performance.now();
      await line.heal();
      await outage.plays(5_000);
      expect(performance.now() - healedAt).toBeLessThan(5_000);
      const opening = await outage.rig.until('a number behind the outage is listed', () =>
        [...outage.listed.keys()].find((sequence) => sequence > before),
      );
      // What lies between was skipped; the list never reaches back over it.
      expect(outage.listed.get(opening)).toBe(true);
      expect(opening).toBeGreaterThan(before + 1);
      expect(prober.playlist!.mediaSequence).toBeGreaterThanOrEqual(opening);
      expect(await metric(outage.rig.edge.url, 'livemix_edge_live_skipped_total')).toBe(opening - before - 1);
      await outage.segments(4);
      await outage.plays();
      outage.check();
    });
  }

  test('the edge notices silence within seven seconds, and control says that the edge is gone', async () => {
    await using outage = await Outage.start();
    const cutAt = performance.now();
    outage.line.cut();
    await outage.rig.until(
      'control shows the source as offline',
      async () => (await outage.rig.source())?.['state'] === 'offline',
      9_000,
    );
    expect(performance.now() - cutAt).toBeLessThan(8_000);
    await outage.line.heal();
    await outage.plays(5_000);
    outage.check();
  });

  test('a line that flaps is no storm of dials, and every break is open', async () => {
    await using outage = await Outage.start();
    const { line } = outage;
    const taken = line.connections();
    for (let flap = 0; flap < 4; flap++) {
      if (flap % 2 === 0) line.cut();
      else await line.reset();
      await outage.segments(3);
      await line.heal();
      await outage.segments(3);
    }
    await outage.plays(5_000);
    expect(line.connections() - taken).toBeLessThan(40);
    outage.check();
  });

  test('a long round trip slows nobody', async () => {
    await using outage = await Outage.start();
    outage.line.delay(150);
    await outage.segments(10);
    await outage.plays();
    outage.check();
    expect(await metric(outage.rig.edge.url, 'livemix_edge_uplink_repeated_bytes_total')).toBe(0);
    expect(await metric(outage.rig.edge.url, 'livemix_edge_live_skipped_total')).toBe(0);
  });
});
