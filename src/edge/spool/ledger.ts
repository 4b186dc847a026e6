import type { SegmentRecord } from '../../media/segment-record.ts';
import type { EpochMs } from '../../media/units.ts';
import type { Floor } from '../../wire/link-messages.ts';
import { ledgerState, type LedgerState as State } from './ledger-state.ts';
import { readState, replaceState } from './state-file.ts';
import { partOf, type Stretch, without } from './stretch-part.ts';

/** Numbers are reserved a thousand ahead, so that one sync serves half an hour of segments. */
const SEQUENCES_AHEAD = 1_000;
const DISCONTINUITIES_AHEAD = 16;

/**
 * The numbers of a source that must never be used twice, kept over any end of the process or the machine.
 * One small file, replaced and synced; nothing in it changes with every segment.
 */
export class Ledger {
  #state: State;
  #nextSequence: number;
  #discontinuity: number;
  /** Set when numbers go on elsewhere than behind the newest record. */
  #jumped: boolean;
  #jumps: number;
  /** The stretch before the open one, and those who were in it but the one that left it. A restart forgets it. */
  #ending: State['stretch'];
  /** The newest number that each rendition took. */
  readonly #taken = new Map<string, number>();
  /** Writes follow each other; a later one holds all that an earlier one did. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    state: State,
    next: { sequence: number; discontinuity: number; jumped: boolean },
    /** Whether the source had none before: it was never heard of. */
    readonly isNew: boolean,
  ) {
    this.#state = state;
    this.#nextSequence = next.sequence;
    this.#discontinuity = next.discontinuity;
    this.#jumped = next.jumped;
    this.#jumps = next.jumped ? 1 : 0;
  }

  /**
   * @param newest the newest record that the spool still has of any rendition
   * @param now where the numbers of a source begin that has none: at the epoch second, above what another spool may have used
   */
  static async open(
    file: string,
    boot: string,
    newest: SegmentRecord | undefined,
    now: EpochMs,
  ): Promise<Ledger> {
    const found = await readState(file);
    if (found === undefined) {
      const sequence = Math.max(Math.floor(now / 1000), 1);
      const state: State = {
        boot,
        clean: false,
        sequence,
        discontinuity: 0,
        floor: { sequence: 0, discontinuity: 0 },
        ordinal: 0,
        published: {},
      };
      return new Ledger(file, state, { sequence, discontinuity: 0, jumped: true }, true);
    }
    const parsed = ledgerState.safeParse(found);
    if (!parsed.success) throw new Error(`${file} is not a ledger of LiveMix; move it away to start anew`);
    const state = parsed.data;
    const behindNewest = newest === undefined ? undefined : newest.sequence + 1;
    const trusted = state.clean || state.boot === boot;
    const keepsFloor = behindNewest !== undefined && behindNewest > state.floor.sequence;
    if (trusted && keepsFloor && (!state.clean || behindNewest === state.sequence)) {
      return new Ledger(
        file,
        { ...state, boot },
        {
          sequence: behindNewest,
          discontinuity: newest!.discontinuitySequence,
          jumped: false,
        },
        false,
      );
    }
    return new Ledger(
      file,
      { ...state, boot },
      {
        sequence: Math.max(state.sequence, behindNewest ?? 0, state.floor.sequence + 1),
        discontinuity: Math.max(state.discontinuity, newest?.discontinuitySequence ?? 0),
        jumped: true,
      },
      false,
    );
  }

  /** The number that the next segment gets. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Whether the next segment does not follow the newest record: it must open a run and a list of its own. */
  get jumped(): boolean {
    return this.#jumped;
  }

  /** How often that has happened: a run that began before cannot go on. */
  get jumps(): number {
    return this.#jumps;
  }

  /** How many EXT-X-DISCONTINUITY tags the runs have made so far. */
  get discontinuity(): number {
    return this.#discontinuity;
  }

  get floor(): Floor {
    return this.#state.floor;
  }

  /** The open stretch. A rendition enters it with a number above `after`. */
  get stretch(): (Pick<Stretch, 'ordinal' | 'targetDuration'> & { readonly after: number }) | undefined {
    return this.#state.stretch;
  }

  /** The open stretch, as far as a rendition is in it; undefined where it has published nothing of it. */
  stretchOf(rendition: string): Stretch | undefined {
    return partOf(this.#state.stretch, rendition);
  }

  /** The stretch that a rendition was in when another one opened the present one, to bring to its end. */
  endingOf(rendition: string): Required<Stretch> | undefined {
    const own = partOf(this.#ending, rendition);
    return own && { ...own, through: this.#state.stretch!.after };
  }

  /** The newest number of a rendition that control was told of before this process began, undefined when that is not known. */
  publishedThrough(rendition: string): number | undefined {
    const { published } = this.#state;
    return Object.hasOwn(published, rendition) ? (published[rendition] ?? undefined) : 0;
  }

  get reservedSequence(): number {
    return this.#state.sequence;
  }

  /** Above every discontinuity sequence that control can have been told of, with room for the next stretches. */
  get reservedDiscontinuity(): number {
    const stretches = (Math.floor(this.#state.ordinal / DISCONTINUITIES_AHEAD) + 2) * DISCONTINUITIES_AHEAD;
    return this.#state.discontinuity + stretches;
  }

  /**
   * A rendition takes a number and, where a segment carries the tag, the next discontinuity; renditions in step take the
   * same ones. Durable when it resolves.
   */
  async claim(rendition: string, sequence: number, discontinuity: number): Promise<void> {
    if (sequence <= (this.#taken.get(rendition) ?? -1))
      throw new RangeError(`number ${sequence} is used already`);
    this.#taken.set(rendition, sequence);
    this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
    this.#discontinuity = Math.max(this.#discontinuity, discontinuity);
    this.#jumped = false;
    const enough = sequence < this.#state.sequence && discontinuity <= this.#state.discontinuity;
    if (enough && !this.#state.clean) return;
    await this.#write({
      clean: false,
      sequence: sequence + SEQUENCES_AHEAD,
      discontinuity:
        discontinuity <= this.#state.discontinuity && !this.#state.clean
          ? this.#state.discontinuity
          : discontinuity + DISCONTINUITIES_AHEAD,
    });
  }

  /** Numbers were used that the spool could not keep: after a crash, go on above the reservation. */
  async distrustSpool(): Promise<void> {
    if (this.#state.boot !== '') await this.#write({ boot: '' });
  }

  /** Control knows of numbers that another spool used. Nothing below them is published; numbers jump above. */
  async raiseFloor(floor: Floor): Promise<void> {
    const { floor: known, ordinal } = this.#state;
    if (floor.sequence <= known.sequence && floor.discontinuity <= known.discontinuity) return;
    const raised = {
      sequence: Math.max(floor.sequence, known.sequence),
      discontinuity: Math.max(floor.discontinuity, known.discontinuity),
    };
    if (this.#nextSequence <= raised.sequence) {
      this.#nextSequence = raised.sequence + 1;
      this.#jumped = true;
      this.#jumps += 1;
    }
    await this.#write({
      clean: false,
      floor: raised,
      sequence: Math.max(this.#state.sequence, this.#nextSequence + SEQUENCES_AHEAD),
      ordinal: Math.max(ordinal, raised.discontinuity),
    });
  }

  /**
   * Opens a stretch for all renditions; this one begins it with `first`. Durable when it resolves.
   * @param after the newest number that control was told of in earlier stretches: a number has one discontinuity sequence
   */
  async openStretch(rendition: string, first: number, targetDuration: number, after = 0): Promise<Stretch> {
    const own = { first, from: first };
    const published = this.#publishing(rendition);
    const { ordinal } = await this.#openStretch(
      rendition,
      { targetDuration, after, renditions: { [rendition]: own } },
      published,
    );
    return { ...own, ordinal, targetDuration };
  }

  /** Opens a stretch that each rendition, this one too, enters with its first number above `after`. Durable when it resolves. */
  async openStretchAhead(rendition: string, targetDuration: number, after: number): Promise<void> {
    await this.#openStretch(rendition, { targetDuration, after, renditions: {} }, this.#state.published);
  }

  async #openStretch(
    by: string,
    of: Omit<NonNullable<State['stretch']>, 'ordinal'>,
    published: State['published'],
  ): Promise<NonNullable<State['stretch']>> {
    const ordinal = this.#state.ordinal + 1;
    const stretch = { ...of, ordinal };
    this.#ending = this.#state.stretch && without(this.#state.stretch, by);
    await this.#write({ ordinal, stretch, published });
    return stretch;
  }

  /** A rendition goes along with the open stretch, from this number on. Durable when it resolves. */
  async enterStretch(rendition: string, from: number): Promise<Stretch> {
    const stretch = this.#state.stretch!;
    const own = { first: this.stretchOf(rendition)?.first ?? from, from };
    const renditions = { ...stretch.renditions, [rendition]: own };
    await this.#write({ stretch: { ...stretch, renditions }, published: this.#publishing(rendition) });
    return { ...own, ordinal: stretch.ordinal, targetDuration: stretch.targetDuration };
  }

  /** A segment was longer than the target duration of the open stretch. Durable when it resolves. */
  async raiseTarget(needed: number): Promise<void> {
    const stretch = this.#state.stretch!;
    // Another rendition may have raised it meanwhile.
    if (needed <= stretch.targetDuration) return;
    await this.#write({ stretch: { ...stretch, targetDuration: needed } });
  }

  /** Publishing goes on in the stretch that is open: how far it gets is not written with every segment. */
  async resumeStretch(rendition: string): Promise<void> {
    if (this.publishedThrough(rendition) === undefined) return;
    await this.#write({ published: this.#publishing(rendition) });
  }

  /** Publishing rests; this is how far it got. */
  async rest(rendition: string, through: number): Promise<void> {
    if (this.publishedThrough(rendition) === through) return;
    await this.#write({ published: { ...this.#state.published, [rendition]: through } });
  }

  /** An orderly end: the next start goes on without a jump. */
  async close(): Promise<void> {
    await this.#write({
      clean: this.#state.boot !== '',
      sequence: this.#nextSequence,
      discontinuity: this.#discontinuity,
    });
  }

  #publishing(rendition: string): State['published'] {
    return { ...this.#state.published, [rendition]: null };
  }

  async #write(change: { [K in keyof State]?: State[K] | undefined }): Promise<void> {
    this.#state = { ...this.#state, ...change } as State;
    const written = this.#writing.then(() => replaceState(this.file, this.#state));
    this.#writing = written.catch(() => undefined);
    await written;
  }
}
