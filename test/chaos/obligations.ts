import type { Event } from './history.ts';
import { labelOf, type SegmentId } from './segment-bytes.ts';

/** All that the history knows of one segment. Times are monotonic but for `wall`. */
export type SegmentFacts = {
  readonly segment: SegmentId;
  readonly label: string;
  /** When a playlist first named it, in epoch milliseconds: it ended about then. */
  readonly wall: number;
  /** Begins of its first announcement. */
  readonly announcedAt: number;
  /** Of every playlist that named it. */
  readonly posts: readonly PostFacts[];
  /** When its file held all of it. */
  readonly wholeAt: number | undefined;
  readonly spoiledAt: number;
};

export type PostFacts = {
  readonly sentAt: number | undefined;
  readonly answeredAt: number | undefined;
  readonly status: number;
};

/** When the recording was started and stopped, as its operator saw it. */
export type Asked = {
  readonly startReq: number;
  readonly startResp: number;
  readonly stopReq: number;
  readonly stopResp: number;
};

export type Obligations = {
  readonly asked: Asked;
  readonly facts: ReadonlyMap<string, SegmentFacts>;
  /** Labels of M: segments that the recording owes. */
  readonly must: ReadonlySet<string>;
  /** Labels of A: segments that it may have. */
  readonly may: ReadonlySet<string>;
};

export type ObligationOptions = {
  readonly id: string;
  readonly durationMs: number;
  /** How far `from` lies before the request; 0 or less. */
  readonly fromOffsetMs?: number;
};

/** How long a file must have stayed whole behind its announcement. */
const INTACT_MS = 1_000;
/** A file that was still being written must be whole so soon. */
const WRITTEN_WITHIN_MS = 500;
/** Clocks of processes on one machine agree this well, and a moment passes between a request and its effect. */
const CLOCKS_MS = 100;
/** How long after its last byte a playlist that was never answered may have had an effect. */
const UNANSWERED_MS = 2_000;

/**
 * What a recording owes and what it may have. It owes a segment that was first announced after the start was
 * answered and, by a playlist that was answered, before the stop was asked for, if its file stayed whole for a second.
 */
export function obligationsOf(events: readonly Event[], options: ObligationOptions): Obligations {
  const { durationMs, fromOffsetMs = 0 } = options;
  const asked = askedOf(events, options.id);
  const facts = factsOf(events);
  const must = new Set<string>();
  const may = new Set<string>();
  const slack = durationMs + UNANSWERED_MS / 4;
  for (const fact of facts.values()) {
    const last = fact.posts.at(-1)!;
    const taken =
      fact.posts.find(({ status }) => status !== 0)?.answeredAt ??
      (last.sentAt ?? fact.announcedAt) + UNANSWERED_MS;
    const begins = fact.announcedAt - durationMs - slack;
    if (begins < asked.stopResp && taken + slack > asked.startReq + fromOffsetMs) may.add(fact.label);
    const inTime = fact.announcedAt >= asked.startResp + fromOffsetMs + CLOCKS_MS;
    if (inTime && fact.posts.some((post) => isOwed(fact, post, asked))) must.add(fact.label);
  }
  return { asked, facts, must, may };
}

function isOwed({ wholeAt, spoiledAt }: SegmentFacts, { sentAt, status }: PostFacts, asked: Asked): boolean {
  if (status === 0 || sentAt === undefined || sentAt >= asked.stopReq - CLOCKS_MS) return false;
  if (wholeAt === undefined || wholeAt > sentAt + WRITTEN_WITHIN_MS) return false;
  return spoiledAt >= Math.max(sentAt, wholeAt) + INTACT_MS;
}

/** @throws Error when the history does not tell of this recording's start */
function askedOf(events: readonly Event[], id: string): Asked {
  const started = events.findIndex((event) => event.type === 'rec.start.resp' && event.id === id);
  const asking = events.slice(0, started).findLast(({ type }) => type === 'rec.start.req');
  if (started < 0 || asking === undefined) throw new Error(`the history knows no start of recording ${id}`);
  const end = events.at(-1)!.at;
  const at = (type: 'rec.stop.req' | 'rec.stop.resp') =>
    events.find((event) => event.type === type && event.id === id)?.at ?? end;
  return {
    startReq: asking.at,
    startResp: events[started]!.at,
    stopReq: at('rec.stop.req'),
    stopResp: at('rec.stop.resp'),
  };
}

/** Every segment that was announced, by label, in the order of announcement. */
export function factsOf(events: readonly Event[]): Map<string, SegmentFacts> {
  const wholeAt = new Map<string, number>();
  const spoiledAt = new Map<string, number>();
  const posts = new Map<number, { sentAt?: number; answeredAt?: number; status: number }>();
  const named = new Map<string, { segment: SegmentId; at: number; wall: number; posts: number[] }>();
  for (const event of events) {
    if (event.type === 'file.whole') wholeAt.set(labelOf(event.segment), event.at);
    else if (event.type === 'file.spoiled') {
      const label = labelOf(event.segment);
      spoiledAt.set(label, spoiledAt.get(label) ?? event.at);
    } else if (event.type === 'announce.sent') posts.get(event.post)!.sentAt = event.at;
    else if (event.type === 'ack')
      Object.assign(posts.get(event.post)!, { answeredAt: event.at, status: event.status });
    else if (event.type === 'announce') {
      posts.set(event.post, { status: 0 });
      for (const segment of event.segments) {
        const label = labelOf(segment);
        const known = named.get(label) ?? { segment, at: event.at, wall: event.wall, posts: [] };
        known.posts.push(event.post);
        named.set(label, known);
      }
    }
  }
  return new Map(
    [...named].map(([label, { segment, at, wall, posts: of }]) => [
      label,
      {
        ...{ segment, label, wall, announcedAt: at },
        wholeAt: wholeAt.get(label),
        spoiledAt: spoiledAt.get(label) ?? Number.POSITIVE_INFINITY,
        posts: of.map((post) => {
          const { sentAt, answeredAt, status } = posts.get(post)!;
          return { sentAt, answeredAt, status };
        }),
      },
    ]),
  );
}
