import type { Catalog, CatalogSegment } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { coveredBy } from '../../media/span.ts';
import { ObjectExists, type ObjectStore, StoreFailed } from '../../store/object-store.ts';
import {
  type KeepAnswer,
  type KeepRequest,
  type LackingObject,
  MAX_TICKETS,
  objectPath,
} from '../../wire/keep.ts';
import type { UploadHead } from '../edges/uploads.ts';
import type { ControlEvents } from '../events.ts';
import type { Channels } from '../live/channels.ts';
import { objectFactsOf } from './object-facts.ts';
import type { Recordings } from './recordings.ts';
import { newTicketId, segmentKey, TICKET_TTL, type Tickets } from './tickets.ts';

type Unstored = Omit<CatalogSegment, 'key'>;
type Rendition = { readonly source: string; readonly rendition: string };

/**
 * Takes into the store what recordings want: from the channel where live brought it, by ticket where not. A segment
 * counts as stored when its object is verified and its row is on disk, not before.
 */
export class Keeper {
  /** Puts that are under way: an edge that asks again meanwhile waits for the same one. */
  readonly #putting = new Map<string, Promise<CatalogSegment>>();
  readonly #listeners = new Set<(segments: readonly CatalogSegment[]) => void>();

  constructor(
    private readonly catalog: Catalog,
    private readonly store: ObjectStore,
    private readonly recordings: Recordings,
    private readonly channels: Channels,
    readonly tickets: Tickets,
    private readonly events: ControlEvents,
  ) {}

  /** Calls back with segments that are stored now. */
  follow(listener: (segments: readonly CatalogSegment[]) => void): void {
    this.#listeners.add(listener);
  }

  /** What an edge announced for recordings: what of it is settled, and where the next bytes go. */
  async announced(edge: string, place: Rendition, { records, md5 = {} }: KeepRequest): Promise<KeepAnswer> {
    const spans = this.recordings.wanted(place.source, edge);
    const wanted = records.filter((record) => coveredBy(spans, record));
    const settled = records.filter((record) => !wanted.includes(record)).map(({ sequence }) => sequence);
    const known = await this.#known(
      place,
      wanted.map((record) => ({ ...place, record })),
    );
    settled.push(...known.stored);

    const gaps = known.lacking.filter(({ record }) => record.gap !== undefined);
    const media = known.lacking.filter(({ record }) => record.gap === undefined);
    if (gaps.length > 0) {
      await this.#add(gaps.map((gap) => ({ ...gap, key: undefined })));
      settled.push(...gaps.map(({ record }) => record.sequence));
    }
    const here = media.filter((segment) => this.#inChannel(segment) !== undefined);
    settled.push(...(await this.#storeAll(here)));
    const lacking: LackingObject[] = [];
    for (const segment of media) {
      if (lacking.length === MAX_TICKETS) break;
      if (here.includes(segment)) continue;
      if (await this.#wasPutDirectly(segment)) settled.push(segment.record.sequence);
      else lacking.push(await this.#ticket(edge, segment, md5[segment.record.sequence]).catch(refuse));
    }
    return { settled, lacking };
  }

  /** Refuses, before its body is read, what a ticket was not given for. Throws `ticket_unknown`, `ticket_used`, `digest_mismatch`. */
  refuseOther(ticketId: string, edge: string, { length, digest }: UploadHead): void {
    const { record } = this.tickets.look(ticketId, edge).segment;
    if (record.bytes === length && record.digest === digest) return;
    throw new LiveMixError('digest_mismatch', 'These are not the bytes that the ticket was given for.');
  }

  /** Bytes that came with a ticket of control's own, checked already. */
  async received(ticketId: string, edge: string, content: Buffer): Promise<void> {
    const { segment } = this.tickets.use(ticketId, edge);
    if (!this.recordings.isCovered(segment)) {
      throw new LiveMixError('recording_gone', 'No recording wants this segment any more.');
    }
    await this.#put(segment, content).catch(refuse);
    this.events.segmentStored(segment.source, content.length, 'ticket');
  }

  /** What the rows say of records: stored, or lacking. A gap that was stated gives way to media. */
  async #known(
    { source, rendition }: Rendition,
    segments: readonly Unstored[],
  ): Promise<{ readonly stored: readonly number[]; readonly lacking: readonly Unstored[] }> {
    const numbers = segments.map(({ record }) => record.sequence);
    const rows = new Map(
      (await this.catalog.storedOf(source, rendition, numbers)).map((row) => [
        row.record.sequence,
        row.record,
      ]),
    );
    const lacking: Unstored[] = [];
    for (const segment of segments) {
      const row = rows.get(segment.record.sequence);
      if (row === undefined) lacking.push(segment);
      else if (row.gap !== undefined && segment.record.gap === undefined) lacking.push(segment);
      else if (row.digest !== segment.record.digest && segment.record.gap === undefined) {
        this.events.numberReused(source, segment.record.sequence);
      }
    }
    const stored = numbers.filter((number) => !lacking.some(({ record }) => record.sequence === number));
    return { stored, lacking };
  }

  #inChannel({ source, rendition, record }: Unstored): Buffer | undefined {
    return this.channels.find(source, rendition)?.content(record.sequence, record.digest);
  }

  /** Stores what live brought. What the store refuses is not settled; the edge asks again. */
  async #storeAll(segments: readonly Unstored[]): Promise<readonly number[]> {
    const outcomes = await Promise.allSettled(
      segments.map(async (segment) => {
        const content = this.#inChannel(segment);
        if (content === undefined) return undefined;
        const row = { ...segment, key: segmentKey(segment, newTicketId()) };
        await this.#put(row, content);
        this.events.segmentStored(segment.source, content.length, 'live');
        return segment.record.sequence;
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    const stored = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' && outcome.value !== undefined ? [outcome.value] : [],
    );
    if (failed !== undefined && stored.length === 0) refuse(failed.reason);
    return stored;
  }

  /** Object, then row. */
  #put(row: CatalogSegment & { readonly key: string }, content: Buffer): Promise<CatalogSegment> {
    const name = `${row.source}/${row.rendition}/${row.record.sequence}`;
    const underWay = this.#putting.get(name);
    if (underWay !== undefined) return underWay;
    const putting = this.#putNow(row, content).finally(() => this.#putting.delete(name));
    this.#putting.set(name, putting);
    return putting;
  }

  async #putNow(row: CatalogSegment & { readonly key: string }, content: Buffer): Promise<CatalogSegment> {
    try {
      await this.store.put(row.key, content, objectFactsOf(row.record));
    } catch (error) {
      // The key is new: whoever put it was an earlier try of ours whose answer was lost.
      if (!(error instanceof ObjectExists)) throw error;
      const there = await this.store.head(row.key);
      if (there?.bytes !== content.length) throw error;
    }
    await this.#add([row]);
    return row;
  }

  async #add(segments: readonly CatalogSegment[]): Promise<void> {
    const refused = await this.catalog.addSegments(segments);
    if (refused.length > 0) await this.catalog.doom(refused);
    // What was not taken stands there with another key: nobody is told of this one.
    const taken = segments.filter(({ key }) => key === undefined || !refused.includes(key));
    for (const listener of this.#listeners) listener(taken);
  }

  /** Whether the edge has put the bytes into the store itself: the store says that they are there, as a whole. */
  async #wasPutDirectly(segment: Unstored): Promise<boolean> {
    for (const ticket of this.tickets.directOf(segment)) {
      const there = await this.store.head(ticket.segment.key).catch(refuse);
      if (there?.bytes !== segment.record.bytes) continue;
      await this.#add([ticket.segment]);
      this.events.segmentStored(segment.source, segment.record.bytes, 'direct');
      return true;
    }
    return false;
  }

  /** Where an edge puts the bytes: here, or where it reaches the store itself, there. */
  async #ticket(edge: string, segment: Unstored, md5: string | undefined): Promise<LackingObject> {
    const { sequence } = segment.record;
    const id = newTicketId();
    const row = { ...segment, key: segmentKey(segment, id) };
    if (!this.store.givesTickets) {
      this.tickets.issue({ id, edge, segment: row, direct: false });
      return { sequence, url: objectPath(id), headers: {} };
    }
    if (md5 === undefined) return { sequence, needs: 'md5' };
    const facts = { ...objectFactsOf(segment.record), md5 };
    const signed = await this.store.ticket(row.key, facts, TICKET_TTL);
    if (signed === undefined) throw new StoreFailed('broken', 'the store gave no ticket');
    this.tickets.issue({ id, edge, segment: row, direct: true });
    return { sequence, ...signed };
  }
}

/** What an edge is told when the store is in trouble. */
function refuse(error: unknown): never {
  if (!(error instanceof StoreFailed)) throw error;
  throw new LiveMixError('store_unavailable', `The object store is in trouble (${error.reason}).`, {
    retryAfter: 5,
    cause: error,
  });
}
