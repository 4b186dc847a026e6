import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { playlistText } from './encoder.ts';
import { discontinuitiesOf, tagOf, textOf } from './hls-text.ts';
import { syntheticSegment } from './synthetic-segment.ts';

export const LADDER = ['high', 'low', 'sound'] as const;
export type LadderName = (typeof LADDER)[number];

export const ladderSegment = (name: LadderName, run: number, sequence: number) =>
  syntheticSegment({ seed: name, run, sequence, duration: 1, packets: name === 'high' ? 80 : 40 });

export const ladderMaster = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="tone",DEFAULT=YES,URI="sound/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="a"
high/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="a"
low/index.m3u8
`;

/** An encoder of a ladder that pushes it, as ffmpeg with -var_stream_map does: the multivariant playlist comes last. */
export class LadderEncoder {
  run = 0;
  next = 0;
  #hasSaid = false;

  constructor(
    private readonly edgeUrl: () => string,
    /** Seconds that a segment lasts. */
    readonly duration = 1,
  ) {}

  async publish(count: number, names: readonly LadderName[] = LADDER): Promise<void> {
    for (let made = 0; made < count; made++) {
      const sequence = this.next++;
      const lists: Promise<Response>[] = [];
      for (const name of names) {
        await this.send(`${name}/${sequence}.ts`, ladderSegment(name, this.run, sequence));
        lists.push(this.send(`${name}/index.m3u8`, this.list(sequence)));
      }
      if (!this.#hasSaid) await this.send('master.m3u8', ladderMaster);
      this.#hasSaid = true;
      for (const answer of await Promise.all(lists)) expect(await answer.json()).toMatchObject({ added: 1 });
    }
  }

  /** At its own pace. */
  async publishPaced(count: number, names: readonly LadderName[] = LADDER): Promise<void> {
    const began = performance.now();
    for (let made = 1; made <= count; made++) {
      await sleep(Math.max(0, began + made * this.duration * 1000 - performance.now()));
      await this.publish(1, names);
    }
  }

  restart(): void {
    this.run += 1;
    this.next = 0;
    this.#hasSaid = false;
  }

  list(through: number): string {
    const first = Math.max(0, through - 4);
    const entries = Array.from({ length: through - first + 1 }, (_, at) => ({
      name: `${first + at}.ts`,
      duration: this.duration,
    }));
    return playlistText({ mediaSequence: first, entries });
  }

  async send(path: string, body: Buffer | string): Promise<Response> {
    return fetch(`${this.edgeUrl()}/v1/ingest/ladder/${path}`, { method: 'PUT', body });
  }
}

/** Somebody who watches some renditions at once, remembers every list, and checks rules U3, U6 and V2 on them. */
export class LadderViewer implements AsyncDisposable {
  /** Of each rendition, the discontinuity sequence of each number. */
  readonly seen = new Map<LadderName, Map<number, number>>();
  readonly objections: string[] = [];
  readonly #ending = new AbortController();
  readonly #watching: Promise<unknown>[];
  readonly #heads = new Map<LadderName, readonly [number, number]>();

  constructor(
    readonly url: (name: LadderName) => string,
    readonly names: readonly LadderName[] = LADDER,
  ) {
    this.#watching = names.map((name) => this.#watch(name));
  }

  newest(name: LadderName): number {
    return Math.max(0, ...(this.seen.get(name)?.keys() ?? []));
  }

  /** The discontinuity sequences that a rendition went through, in their order. */
  discontinuities(name: LadderName): readonly number[] {
    return [...new Set(this.seen.get(name)?.values() ?? [])];
  }

  async #watch(name: LadderName): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const response = await fetch(this.url(name)).catch(() => undefined);
      if (response?.ok === true) this.#look(name, await response.text());
      await sleep(150);
    }
  }

  #look(name: LadderName, text: string): void {
    const head = [tagOf(text, 'MEDIA-SEQUENCE'), tagOf(text, 'DISCONTINUITY-SEQUENCE')] as const;
    const before = this.#heads.get(name) ?? head;
    if (head[0] < before[0] || head[1] < before[1]) this.objections.push(`${name} ${before} ${head}`);
    this.#heads.set(name, head);
    const mine = this.seen.get(name) ?? new Map<number, number>();
    this.seen.set(name, mine);
    for (const [sequence, discontinuity] of discontinuitiesOf(text)) {
      mine.set(sequence, discontinuity);
      for (const [other, theirs] of this.seen) {
        const there = theirs.get(sequence) ?? discontinuity;
        if (there !== discontinuity)
          this.objections.push(`${sequence}: ${name} ${discontinuity}, ${other} ${there}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#watching);
  }
}

/** What stands in the lists of all renditions now. */
export const listsOf = (url: (name: LadderName) => string): Promise<string[]> =>
  Promise.all(LADDER.map((name) => textOf(url(name))));
