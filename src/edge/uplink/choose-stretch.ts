import type { SegmentRecord } from '../../media/segment-record.ts';
import type { EdgeEvents } from '../events.ts';
import type { Source } from '../source.ts';
import type { Stretch } from '../spool/stretch-part.ts';
import { chooseTargetDuration, neededTargetDuration, planStretch } from './stretch.ts';

/** Another rendition of the same source. */
export type Companion = {
  readonly forwarding: boolean;
  /** Whether it goes along with the open stretch, which is all of theirs. */
  readonly isInStretch: boolean;
  /** The newest number that control may have been told of. */
  readonly toldThrough: number;
};

/** Where a rendition stands that has something to publish. */
export type Standing = {
  readonly source: Source;
  readonly name: string;
  readonly companions: readonly Companion[];
  /** The newest number control has. */
  readonly through: number;
  /** The newest segment that could not be given to control for good; a stretch must begin behind it. */
  readonly broken: number;
  /** Forwarding begins: what is left out now was never asked for. */
  readonly begins: boolean;
  /** It was left out for a while, and nobody knows its list of before. */
  readonly isForgotten: boolean;
  /** Something may have been lost. */
  readonly paused: boolean;
  /** How many segments control's live lists hold at least. */
  readonly liveSegments: number;
};

/**
 * The stretch to publish in: the one that goes on, one that another rendition opened, or a new one. A number has the same
 * discontinuity sequence in all renditions (rfc8216bis §6.2.4). Undefined: nothing to publish.
 *
 * @param records the window, from the source's floor on
 */
export async function chooseStretch(
  standing: Standing,
  records: readonly SegmentRecord[],
  events: EdgeEvents,
): Promise<Stretch | undefined> {
  const { source, name, companions, through, broken, paused, liveSegments } = standing;
  const own = source.ledger.stretchOf(name);
  if (own === undefined) return finish(standing, records) ?? enter(standing, records, events);
  if (own.first <= broken) return open(standing, records, events);
  const plan = planStretch(as(records, own), own, through, paused, liveSegments);
  if (plan.kind === 'rest') return paused ? own : undefined;
  if (plan.kind === 'continue') return own;
  // It comes back without a tag, so that it costs the others none.
  const comesBack = standing.isForgotten && companions.some(({ isInStretch }) => isInStretch);
  if (comesBack) return source.ledger.enterStretch(name, plan.first.sequence);
  return open(standing, records, events);
}

/**
 * One that lags when another rendition opens a stretch brings the last one to its end first: in that its companions told of
 * these numbers, and nothing is left out between the two.
 */
function finish(
  { source, name, through, broken, paused, liveSegments }: Standing,
  records: readonly SegmentRecord[],
): Stretch | undefined {
  const ending = source.ledger.endingOf(name);
  if (ending === undefined || paused || ending.first <= broken) return undefined;
  const rest = as(records, ending).filter(({ sequence }) => sequence <= ending.through);
  if (neededTargetDuration(rest, ending) > ending.targetDuration) return undefined;
  const plan = planStretch(rest, ending, through, paused, liveSegments);
  return plan.kind === 'continue' ? ending : undefined;
}

/**
 * What another rendition opened is entered, without leaving out more than must be. A stretch in which nobody is any more
 * is entered only where a new one would give other discontinuities to numbers that are known.
 */
async function enter(
  standing: Standing,
  records: readonly SegmentRecord[],
  events: EdgeEvents,
): Promise<Stretch | undefined> {
  const { source, name, companions, begins, paused, liveSegments } = standing;
  const { stretch } = source.ledger;
  if (stretch === undefined) return open(standing, records, events);
  const through = Math.max(standing.through, stretch.after);
  const goesOn = begins ? undefined : { from: through + 1 };
  const plan = planStretch(as(records, stretch), goesOn, through, paused, liveSegments);
  if (plan.kind === 'rest') return undefined;
  const first = plan.kind === 'open' ? plan.first.sequence : through + 1;
  const isAlone = !companions.some(({ forwarding }) => forwarding);
  if (isAlone && first > told(companions)) return open(standing, records, events);
  if (!begins) events.liveSkipped(source.name, name, first, between(records, standing.through, first));
  return source.ledger.enterStretch(name, first);
}

/**
 * Opens a stretch behind all that control was told of any rendition. Where there is nothing behind it yet, the others leave
 * their stretch all the same, lest they are always ahead.
 */
async function open(
  { source, name, companions, through, broken, begins, paused, liveSegments }: Standing,
  records: readonly SegmentRecord[],
  events: EdgeEvents,
): Promise<Stretch | undefined> {
  const { ledger } = source;
  const targetDuration = chooseTargetDuration([...source.renditions].map(({ window }) => window.records));
  const listed = as(records, { targetDuration });
  const behind = Math.max(through, broken);
  if (planStretch(listed, undefined, behind, paused, liveSegments).kind !== 'open') return undefined;
  const after = Math.max(through, told(companions));
  const plan = planStretch(listed, undefined, Math.max(behind, after), paused, liveSegments);
  const first = plan.kind === 'open' ? plan.first.sequence : after + 1;
  // What lies before a stretch that got nowhere was told of when that opened.
  const toldOf = Math.max(through, (ledger.stretchOf(name)?.from ?? 0) - 1);
  events.stretchOpened(source.name, first, begins ? 0 : between(records, toldOf, first));
  if (plan.kind === 'open') return ledger.openStretch(name, first, targetDuration, after);
  await ledger.openStretchAhead(name, targetDuration, after);
  return undefined;
}

/** How many records lie between two numbers. */
const between = (records: readonly SegmentRecord[], after: number, before: number): number =>
  records.filter(({ sequence }) => sequence > after && sequence < before).length;

const told = (companions: readonly Companion[]): number =>
  Math.max(0, ...companions.map(({ toldThrough }) => toldThrough));

/** Records as control lists them: what the encoder says of its target duration is not what the stretch opens with. */
const as = (
  records: readonly SegmentRecord[],
  { targetDuration }: Pick<Stretch, 'targetDuration'>,
): readonly SegmentRecord[] => records.map((record) => ({ ...record, targetDuration }));
