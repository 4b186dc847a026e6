import type { MediaPlaylist } from '../../hls/media-playlist.ts';
import type { NeedingSegment } from '../../hls/segment-needs.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs } from '../../media/units.ts';
import type { Rendition } from '../rendition.ts';
import type { RunEntry } from '../runs.ts';
import type { Source } from '../source.ts';
import { type Downtime, downtimeOf } from './downtime.ts';
import type { Ingest } from './ingest.ts';
import type { Announced } from './read-segment.ts';
import { extensionOf, safeExtension } from './segment-name.ts';
import { type Media, stamp } from './stamp.ts';

/** Gives the segments of one playlist their numbers and their time. */
export class Stamping {
  /** The run begins with the next segment that is stamped. */
  #runOpens = false;

  constructor(
    private readonly ingest: Pick<Ingest, 'isWatched' | 'events'>,
    private readonly source: Source,
    private readonly rendition: Rendition,
    private readonly playlist: MediaPlaylist,
    private readonly announced: Announced,
    /** Keeps a gap that lies before what is stamped. */
    private readonly stateGap: (record: SegmentRecord) => Promise<void>,
  ) {}

  get runOpens(): boolean {
    return this.#runOpens;
  }

  openRun(): void {
    this.#runOpens = true;
  }

  /** @param behind seconds of media from this segment's begin to the end of the newest one */
  async stamp(entry: NeedingSegment, media: Media, behind: number): Promise<SegmentRecord> {
    const { rendition, source, ingest } = this;
    const { ledger } = source;
    const arrived = epochMs(Math.round(this.announced.at - behind * 1000));
    const lost = this.#runOpens ? downtimeOf(rendition, arrived) : [];
    const { sequence, discontinuity, discontinuitySequence, at } = this.#number(entry, lost);
    await this.#keepDowntime(lost, sequence);
    const previous = rendition.window.newest;
    const follows = previous === undefined || previous.sequence + 1 === sequence;
    const jumped = ledger.jumped || !follows;
    await ledger.claim(rendition.name, sequence, discontinuitySequence);
    const mayLowerTarget = !ingest.isWatched(source.name);
    // Renditions of one run begin together, whichever came first.
    const observed = at ?? arrived;
    return stamp(
      entry,
      media,
      safeExtension(extensionOf(entry.uri)),
      { sequence, discontinuity, discontinuitySequence, previous, jumped, mayLowerTarget },
      { observed, ...(entry.programDateTime !== undefined && { encoder: entry.programDateTime }) },
    );
  }

  /** States what was made while no edge was there, as far as there are numbers before the run’s first, and one that is left out. */
  async #keepDowntime(lost: readonly Downtime[], first: number): Promise<void> {
    const { rendition, source } = this;
    for (const { at, duration } of lost) {
      const previous = rendition.window.newest!;
      const sequence = previous.sequence + 1;
      if (sequence >= first - 1) return;
      const { discontinuitySequence, extension } = previous;
      await source.ledger.claim(rendition.name, sequence, discontinuitySequence);
      const encoder = {
        ...previous.encoder,
        sequence: previous.encoder.sequence + 1,
        name: '',
        bytes: bytes(0),
      };
      const record = stamp(
        { duration, tags: [] },
        { gap: 'source_skipped', encoder },
        extension,
        {
          sequence,
          discontinuity: false,
          discontinuitySequence,
          previous,
          jumped: false,
          mayLowerTarget: false,
        },
        { observed: at },
      );
      await this.stateGap(record);
    }
  }

  /** The number of a segment, and its discontinuity: a run opens with one, in all renditions with the same. */
  #number(
    entry: NeedingSegment,
    lost: readonly Downtime[],
  ): Pick<RunEntry, 'sequence' | 'discontinuity' | 'discontinuitySequence' | 'at'> {
    const { rendition, source, ingest } = this;
    if (this.#runOpens) {
      const leftOut = lost.length === 0 ? 0 : lost.length + 1;
      const entered = source.runs.enter(rendition, entry.sequence, this.#listedFrom(entry), leftOut);
      rendition.openRun(entered.sequence, entry.sequence, entered.ordinal);
      if (entered.opened) ingest.events.runOpened(rendition.place, entered.sequence);
      this.#runOpens = false;
      return entered;
    }
    const sequence = rendition.numberOf(entry.sequence);
    return { sequence, ...source.runs.goOn(rendition, sequence, entry.discontinuity) };
  }

  #listedFrom({ sequence }: NeedingSegment): number {
    return this.playlist.mediaSequence + this.playlist.segments.length - sequence;
  }
}
