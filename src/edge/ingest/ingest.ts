import type { Clock } from '../../runtime/clock.ts';
import type { EdgeEvents } from '../events.ts';
import type { Sources } from '../sources.ts';
import type { AllowedMedia } from './media-origin.ts';
import type { HttpAgents } from './open-segment.ts';

/** What taking in needs. */
export type Ingest = {
  readonly sources: Sources;
  readonly clock: Clock;
  readonly agents: HttpAgents;
  readonly events: EdgeEvents;
  readonly allowed: AllowedMedia;
  readonly maxSegmentBytes: number;
  /** Whether somebody follows the source's list on the LAN. */
  readonly isWatched: (source: string) => boolean;
};
