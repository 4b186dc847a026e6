import { millis } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { playlistText } from '../support/encoder.ts';
import { announce } from './announce.ts';
import type { History } from './history.ts';
import { MediaFolder } from './media-folder.ts';
import type { Move } from './move.ts';
import { DEFAULT_SEGMENT_BYTES, type SegmentId, segmentBytes } from './segment-bytes.ts';

/** What becomes of a file that is listed no more: stays, is emptied as ffmpeg does, or goes. */
export type CleanUp = 'keep' | 'truncate' | 'unlink';

export type SimulatorOptions = {
  readonly seed: string;
  readonly history: History;
  /** Below one of the edge's media roots; it is made. */
  readonly folder: string;
  readonly edgeUrl: string;
  readonly source?: string;
  readonly durationMs?: number;
  readonly listSize?: number;
  /** Of each segment. */
  readonly bytes?: number;
  readonly cleanUp?: CleanUp;
  /** How many files stay behind the list. */
  readonly keepBehind?: number;
  readonly clock?: SimulatorClock;
};

/** Monotonic time, and waiting in it. */
export type SimulatorClock = {
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** What a file system cuts by: never whole packets. */
const BLOCK_BYTES = 4_096;

type Listed = SegmentId & { readonly name: string };
type Post = { readonly text: string; readonly segments: readonly SegmentId[] };

/**
 * A source that writes real transport stream files and posts playlists as stock ffmpeg does, in real time, and
 * misbehaves when told to. Its bytes are a function of seed, source, run and sequence, so that whoever checks can make them again.
 */
export class SourceSimulator {
  readonly source: string;
  readonly durationMs: number;
  readonly bytes: number;
  readonly files: MediaFolder;
  /** How many segments were made. */
  made = 0;
  run = 0;
  /** The next number of this run. */
  next = 0;
  readonly #options: SimulatorOptions;
  readonly #clock: SimulatorClock;
  readonly #listSize: number;
  readonly #moves: { readonly move: Move; readonly done: () => void }[] = [];
  readonly #underWay = new Set<Promise<number>>();
  readonly #posts: Post[] = [];
  #naming = 0;
  #list: Listed[] = [];
  #behind: Listed[] = [];
  #postCount = 0;
  #dueAt: number;
  #signal: AbortSignal | undefined;

  constructor(options: SimulatorOptions) {
    const { source = 'camera-0', durationMs = 500, listSize = 5, bytes = DEFAULT_SEGMENT_BYTES } = options;
    const system = new SystemClock();
    this.source = source;
    this.durationMs = durationMs;
    this.bytes = bytes;
    this.files = new MediaFolder(options.folder, options.history);
    this.#options = options;
    this.#listSize = listSize;
    this.#clock = options.clock ?? {
      monotonic: () => system.monotonic(),
      sleep: (ms, signal) => system.sleep(millis(ms), signal),
    };
    this.#dueAt = this.#clock.monotonic();
  }

  /** Makes and announces a segment every `durationMs` until the signal; then waits for the answers. */
  async pace(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await this.files.create();
    this.#dueAt = this.#clock.monotonic();
    while (!signal.aborted) {
      await this.step();
      await this.#period();
    }
    for (const { done } of this.#moves.splice(0)) done();
    await this.answered();
  }

  /** Resolves when the move has been made, at the segment whose turn it is. */
  play(move: Move): Promise<void> {
    return new Promise((done) => {
      this.#moves.push({ move, done });
    });
  }

  /** One segment, and the move whose turn it is. Does not wait for answers, as ffmpeg does not. */
  async step(): Promise<void> {
    const { move, done } = this.#moves.shift() ?? { move: { kind: 'plain' } as const, done: () => undefined };
    await this.#make(move);
    done();
  }

  /** Waits until every playlist is answered, or never will be. */
  async answered(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #make(move: Move): Promise<void> {
    switch (move.kind) {
      case 'restart':
        await this.#clock.sleep(move.afterMs, this.#signal);
        this.run += 1;
        this.next = 0;
        if (!move.sameNames) this.#naming = this.run;
        this.#forget();
        break;
      case 'jump':
        this.next += move.numbers;
        this.#forget();
        break;
      case 'lose-posts':
        for (let lost = 0; lost < move.count; lost++) {
          await this.#segment();
          await this.#period();
        }
        break;
      case 'partial':
        return this.#partial(move.completesAfterMs);
      case 'same-name':
        return this.#sameName(move.posted);
      case 'reorder': {
        await this.#segment();
        const held = this.#playlist();
        await this.#period();
        await this.#segment();
        await this.#post(move.kind);
        void this.#post(move.kind, held);
        return;
      }
    }
    const { name } = await this.#segment();
    if (move.kind === 'truncate') await this.files.truncate(name);
    if (move.kind === 'unlink') await this.files.unlink(name);
    await this.#announce(move);
    if (move.kind === 'shrink') {
      await this.#clock.sleep(move.afterMs);
      await this.files.truncate(name, BLOCK_BYTES * Math.floor(this.bytes / 2 / BLOCK_BYTES));
    }
  }

  async #announce(move: Move): Promise<void> {
    const before = this.#posts.at(-1);
    if (move.kind === 'together' && before !== undefined) void this.#post(move.kind, before);
    const first = this.#post(move.kind);
    if (move.kind === 'duplicate') {
      await first;
      const again = this.#playlist();
      for (let time = 1; time < move.times; time++) await this.#post(move.kind, again);
    }
    if (move.kind === 'replay') {
      await first;
      await this.#post(move.kind, this.#posts.at(-1 - move.back) ?? this.#posts[0]);
    }
  }

  async #partial(completesAfterMs: number): Promise<void> {
    const segment = this.#nextSegment();
    const bytes = this.#bytesOf(segment);
    // In the middle of a packet, as an encoder that writes blocks leaves it.
    const half = Math.floor(bytes.length / 2) + 17;
    await this.files.begin(segment.name, segment, bytes.subarray(0, half));
    await this.#enlist(segment);
    void this.#post('partial');
    await this.#clock.sleep(completesAfterMs);
    await this.files.complete(segment.name, segment, bytes.subarray(half));
  }

  async #sameName(posted: boolean): Promise<void> {
    const { name } = await this.#segment();
    if (posted) void this.#post('same-name');
    await this.#period();
    await this.#segment(name);
    void this.#post('same-name');
  }

  async #segment(name?: string): Promise<Listed> {
    const segment = this.#nextSegment(name);
    await this.files.write(segment.name, segment, this.#bytesOf(segment));
    await this.#enlist(segment);
    return segment;
  }

  #nextSegment(name?: string): Listed {
    const sequence = this.next++;
    const prefix = this.#naming === 0 ? 'cam' : `cam${this.#naming}`;
    this.made += 1;
    return { run: this.run, sequence, name: name ?? `${prefix}-${String(sequence).padStart(4, '0')}.ts` };
  }

  #bytesOf({ run, sequence }: SegmentId): Buffer {
    return segmentBytes(this.#options.seed, this.source, run, sequence, this.durationMs, this.bytes);
  }

  async #enlist(segment: Listed): Promise<void> {
    this.#list.push(segment);
    if (this.#list.length > this.#listSize) this.#behind.push(this.#list.shift()!);
    const { cleanUp = 'truncate', keepBehind = 1 } = this.#options;
    while (this.#behind.length > keepBehind) {
      const { name, run, sequence } = this.#behind.shift()!;
      const holds = this.files.holds(name);
      if (holds?.run !== run || holds.sequence !== sequence) continue;
      if (cleanUp === 'truncate') await this.files.truncate(name);
      if (cleanUp === 'unlink') await this.files.unlink(name);
    }
  }

  #forget(): void {
    this.#list = [];
    this.#behind = [];
  }

  #playlist(): Post {
    const duration = this.durationMs / 1000;
    const entries = this.#list.map(({ name }) => ({ name, duration }));
    const text = playlistText({ mediaSequence: this.#list[0]?.sequence ?? 0, entries });
    return { text, segments: this.#list.map(({ run, sequence }) => ({ run, sequence })) };
  }

  #post(move: string, { text, segments }: Post = this.#playlist()): Promise<number> {
    const { history, edgeUrl, folder } = this.#options;
    const announcement = { edgeUrl, source: this.source, folder, text, segments, move };
    const answer = announce(history, this.#postCount++, announcement);
    this.#posts.push({ text, segments });
    if (this.#posts.length > 1_000) this.#posts.shift();
    this.#underWay.add(answer);
    void answer.finally(() => this.#underWay.delete(answer));
    return answer;
  }

  /** Waits until the next segment is due. One that is late does not make the next ones come in a burst. */
  async #period(): Promise<void> {
    const now = this.#clock.monotonic();
    this.#dueAt = Math.max(this.#dueAt + this.durationMs, now);
    await this.#clock.sleep(this.#dueAt - now, this.#signal);
  }
}
