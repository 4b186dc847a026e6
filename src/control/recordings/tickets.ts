import { randomBytes } from 'node:crypto';
import type { CatalogSegment } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { type Millis, millis, seconds } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';

/** How long a ticket is good. */
export const TICKET_TTL = seconds(300);
/** Tickets that are remembered; the oldest goes first. */
const MAX_TICKETS_KEPT = 10_000;

/** The right to put the bytes of one segment under one key, once. */
export type IssuedTicket = {
  readonly id: string;
  readonly edge: string;
  /** The segment as it will stand in the catalog. */
  readonly segment: CatalogSegment & { readonly key: string };
  /** Whether the edge puts it into the store itself: then the store is asked whether it is there. */
  readonly direct: boolean;
  readonly until: Millis;
  used: boolean;
};

/** Where a segment's bytes lie. The ticket is part of it, so no key is ever used twice. */
export const segmentKey = (
  { source, rendition, record }: Omit<CatalogSegment, 'key'>,
  ticket: string,
): string => `segments/${source}/${rendition}/${record.sequence}-${ticket}.${record.extension}`;

export const newTicketId = (): string => randomBytes(12).toString('base64url').replace(/^[-_]/, 'x');

/** The tickets that are out. They are soft: after a restart of control edges ask for new ones. */
export class Tickets {
  readonly #tickets = new Map<string, IssuedTicket>();

  constructor(private readonly clock: Clock) {}

  issue(ticket: Omit<IssuedTicket, 'until' | 'used'>): IssuedTicket {
    const issued = { ...ticket, until: millis(this.clock.monotonic() + TICKET_TTL * 1000), used: false };
    this.#tickets.set(issued.id, issued);
    for (const id of this.#tickets.keys()) {
      if (this.#tickets.size <= MAX_TICKETS_KEPT) break;
      this.#tickets.delete(id);
    }
    return issued;
  }

  /** The ticket, used up by this. Throws as `look` does. */
  use(id: string, edge: string): IssuedTicket {
    const ticket = this.look(id, edge);
    ticket.used = true;
    return ticket;
  }

  /** A ticket that may still be used. Throws `ticket_unknown` or `ticket_used`. */
  look(id: string, edge: string): IssuedTicket {
    const ticket = this.#tickets.get(id);
    if (ticket === undefined || ticket.edge !== edge || ticket.direct || this.#isOld(ticket)) {
      throw new LiveMixError('ticket_unknown', 'There is no such ticket, or no longer.');
    }
    if (ticket.used) throw new LiveMixError('ticket_used', 'Something was put with this ticket already.');
    return ticket;
  }

  /** Tickets with which an edge may have put this segment into the store itself. */
  directOf({ source, rendition, record }: Omit<CatalogSegment, 'key'>): readonly IssuedTicket[] {
    return [...this.#tickets.values()].filter(
      ({ direct, segment }) =>
        direct &&
        segment.source === source &&
        segment.rendition === rendition &&
        segment.record.sequence === record.sequence &&
        segment.record.digest === record.digest,
    );
  }

  sweep(): void {
    for (const ticket of this.#tickets.values()) if (this.#isOld(ticket)) this.#tickets.delete(ticket.id);
  }

  #isOld(ticket: IssuedTicket): boolean {
    return ticket.until < this.clock.monotonic();
  }
}
