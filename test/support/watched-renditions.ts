import { expect } from 'vitest';
import { Channel } from '../../src/control/live/channel.ts';
import type { SegmentRecord } from '../../src/media/segment-record.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { discontinuitiesOf, tagOf } from './hls-text.ts';

/** What viewers of one rendition were shown, over every restart. */
type Shown = {
  /** The discontinuity sequence of each media sequence number. */
  readonly discontinuities: Map<number, number>;
  list: readonly SegmentRecord[];
  targetDuration: number;
  /** It was raised in place at some time. */
  isRaised: boolean;
  /** Since the list was let go for want of viewers: whoever comes then knows no earlier one. */
  begins: boolean;
  /** Control was restarted since: where the target duration was raised meanwhile, its list reaches back further. */
  isAnew: boolean;
  /** The edge was killed since: how far the list had got only this node knows. */
  isEdgeLost: boolean;
};

/**
 * Control as far as live goes: a channel for each rendition, and a viewer who remembers every list it was shown and
 * checks it against rules U1, U3, U6 and V2.
 */
export class WatchedRenditions {
  readonly watched = new Set<string>();
  readonly #channels = new Map<string, Channel>();
  readonly #shown = new Map<string, Shown>();

  constructor(
    private readonly clock: Clock,
    readonly liveSegments: number,
  ) {}

  channel(rendition: string): Channel {
    let channel = this.#channels.get(rendition);
    if (channel === undefined) {
      const opened: Channel = new Channel('camera-0', rendition, this.liveSegments, this.clock, () =>
        this.#look(rendition, opened),
      );
      channel = opened;
      this.#channels.set(rendition, channel);
    }
    return channel;
  }

  announce(rendition: string, records: readonly SegmentRecord[]): readonly SegmentRecord[] {
    const { discontinuities } = this.#of(rendition);
    for (const { sequence, discontinuitySequence } of records) {
      const before = discontinuities.get(sequence) ?? discontinuitySequence;
      expect([rendition, sequence, discontinuitySequence]).toEqual([rendition, sequence, before]);
    }
    return this.channel(rendition).announce(records);
  }

  watch(rendition: string): void {
    this.watched.add(rendition);
  }

  leave(rendition: string): void {
    if (!this.watched.delete(rendition)) return;
    this.channel(rendition).drop();
    this.#of(rendition).begins = true;
  }

  /** Another process comes: viewers stay. Where the edge was killed, too, nobody knows any more what they were shown. */
  restart(): void {
    this.#channels.clear();
    for (const shown of this.#shown.values()) {
      shown.isAnew = true;
      shown.begins ||= shown.isEdgeLost;
    }
  }

  edgeLost(): void {
    for (const [rendition, shown] of this.#shown) {
      shown.isEdgeLost = true;
      shown.begins ||= this.newest(rendition) === undefined;
    }
  }

  /** The newest number that viewers of a rendition were shown. */
  newest(rendition: string): number | undefined {
    return this.#channels.get(rendition)?.newest;
  }

  targetDuration(rendition: string): number {
    return this.channel(rendition).targetDuration;
  }

  #of(rendition: string): Shown {
    let shown = this.#shown.get(rendition);
    if (shown === undefined) {
      shown = {
        discontinuities: new Map(),
        list: [],
        targetDuration: 0,
        isRaised: false,
        begins: true,
        isAnew: false,
        isEdgeLost: false,
      };
      this.#shown.set(rendition, shown);
    }
    return shown;
  }

  #look(rendition: string, { list, rendered }: Channel): void {
    const shown = this.#of(rendition);
    const text = rendered!.text.toString();
    const before = shown.list;
    const where = `${rendition} ${list[0]!.sequence}…${list.at(-1)!.sequence}, before …${before.at(-1)?.sequence}`;
    const counted = discontinuitiesOf(text);
    expect([...counted.values()], `${where}: U6`).toEqual(list.map((one) => one.discontinuitySequence));
    for (const [sequence, discontinuity] of counted) {
      for (const [other, { discontinuities }] of this.#shown) {
        const there = discontinuities.get(sequence) ?? discontinuity;
        expect(discontinuity, `${where}: ${sequence} of ${other}: ${other === rendition ? 'U6' : 'V2'}`).toBe(
          there,
        );
      }
      shown.discontinuities.set(sequence, discontinuity);
    }
    if (before.length > 0) this.#compare(shown, list, where);
    shown.list = list;
    shown.targetDuration = tagOf(text, 'TARGETDURATION');
    shown.begins = false;
    shown.isAnew = false;
    shown.isEdgeLost = false;
  }

  #compare(shown: Shown, list: readonly SegmentRecord[], where: string): void {
    const { list: before, begins, targetDuration } = shown;
    const [first, last] = [list[0]!, before.at(-1)!];
    shown.isRaised ||= list.at(-1)!.targetDuration > targetDuration;
    if (!shown.isAnew || !shown.isRaised) {
      expect(first.sequence, `${where}: U3`).toBeGreaterThanOrEqual(before[0]!.sequence);
      expect(dsnOf(list), `${where}: U6`).toBeGreaterThanOrEqual(dsnOf(before));
    }
    if (begins) return;
    // What was left out is never listed: only a list that begins with the tag may jump.
    if (first.sequence > last.sequence + 1) {
      expect(first.discontinuity, `${where}: a jump without a tag`).toBe(true);
      expect(first.discontinuitySequence, where).toBeGreaterThan(last.discontinuitySequence);
    }
    expect(list.at(-1)!.sequence, where).toBeGreaterThanOrEqual(last.sequence);
    if (list.at(-1)!.discontinuitySequence === last.discontinuitySequence)
      expect(list.at(-1)!.targetDuration, `${where}: U1`).toBeGreaterThanOrEqual(targetDuration);
  }
}

const dsnOf = ([first]: readonly SegmentRecord[]): number =>
  first!.discontinuitySequence - (first!.discontinuity ? 1 : 0);
