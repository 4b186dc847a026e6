import type { Clock } from '../../runtime/clock.ts';
import type { EdgeEvents } from '../events.ts';
import type { Spool } from '../spool/spool.ts';
import type { Line } from './line.ts';
import type { UplinkClient, UplinkTarget } from './uplink-client.ts';

/** What an outbox needs of the link. */
export interface LinkView {
  /** Where to send; undefined while that is not known. */
  readonly target: UplinkTarget | undefined;
  /** How many segments control's live lists hold at least. */
  readonly liveSegments: number;
  /** Control does not take this link's word any more. */
  stale(target: UplinkTarget): void;
}

export type OutboxTools = {
  readonly link: LinkView;
  readonly client: UplinkClient;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly events: EdgeEvents;
  readonly line: Line;
};
