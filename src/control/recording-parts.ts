import type { SegmentCache } from '../cache/segment-cache.ts';
import type { Catalog, CatalogRecording, CatalogSegment } from '../catalog/catalog.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import { millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Scope } from '../runtime/scope.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EdgeLinks } from './edges/edge-links.ts';
import type { ControlEvents } from './events.ts';
import type { Channels } from './live/channels.ts';
import { Keeper } from './recordings/keeper.ts';
import { Manifests } from './recordings/manifests.ts';
import { RecordedSegments } from './recordings/recorded-segments.ts';
import { Recordings } from './recordings/recordings.ts';
import {
  FIRST_ORPHAN_SWEEP_MS,
  ORPHAN_SWEEP_MS,
  SPACE_SWEEP_MS,
  Space,
  type SpaceSettings,
} from './recordings/space.ts';
import { Tickets } from './recordings/tickets.ts';
import { type VerifyProgress, verify } from './recordings/verify.ts';
import { ReplaySegments, type StoredSegments } from './replay/replay-segments.ts';
import { Replays } from './replay/replays.ts';

/** What recording and replay stand on. */
export type RecordingGround = {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly cache: SegmentCache;
  readonly channels: Channels;
  readonly links: EdgeLinks;
  readonly clock: Clock;
  readonly events: ControlEvents;
  readonly settings: SpaceSettings & { readonly drainDays: number };
};

/** All that records and replays. */
export type RecordingParts = {
  readonly recordings: Recordings;
  readonly recorded: RecordedSegments;
  readonly keeper: Keeper;
  readonly segments: ReplaySegments;
  readonly replays: Replays;
  /** Removes a recording: its manifest, then itself; its segments follow within half a minute. */
  remove(id: string): Promise<void>;
  /** Reads every object of a recording again. */
  verify(recording: CatalogRecording): AsyncIterable<VerifyProgress>;
};

const SWEEP_EVERY = millis(1_000);
const GIVE_UP_EVERY = millis(60_000);
/** Manifests of recordings that ended so lately, or have not ended, are written anew at a start. */
const MANIFEST_DOUBT_MS = 3_600_000;

/** Opens what records and replays, and has each part told what the others do. */
export async function openRecordingParts(ground: RecordingGround, scope: Scope): Promise<RecordingParts> {
  const { catalog, store, cache, channels, links, clock, events, settings } = ground;
  const recordings = await Recordings.open(catalog, settings.drainDays, clock, events);
  const recorded = new RecordedSegments(catalog);
  const tickets = new Tickets(clock);
  const keeper = new Keeper(catalog, store, recordings, channels, tickets, events);
  const manifests = new Manifests(recordings, recorded, store, clock, events);

  /** Rows were added or changed: whoever shows or lists them is told. */
  const rowsChanged = (rows: readonly CatalogSegment[]) => {
    const having = [...new Set(rows.flatMap((row) => recordings.having(row)))];
    recorded.added(rows, having);
    manifests.grew(having);
  };
  keeper.follow(rowsChanged);

  const stored: StoredSegments = {
    hasSource: (source) => recordings.hasSource(source),
    askedFor: (source, rendition, sequence) => replays.askedFor(source, rendition, sequence),
    find: (source, rendition, sequence) => catalog.segment(source, rendition, sequence),
    lost: (row) => restate(row, false),
  };
  /** What is known of a segment's object changed: it is gone, or back. */
  const restate = async (row: CatalogSegment, isThere: boolean) => {
    const { gap: _, ...whole } = row.record;
    const record: SegmentRecord = isThere ? whole : { ...whole, gap: 'object_lost' };
    if (!isThere) events.objectLost(row.source, record.sequence);
    await catalog.restateSegment({ ...row, record });
    rowsChanged([{ ...row, record }]);
  };
  const segments = new ReplaySegments(stored, store, cache, clock, events);
  const replays = new Replays(recordings, recorded, segments);

  const remove = async (id: string) => {
    recordings.get(id);
    await manifests.remove(id, () => recordings.delete(id));
    void space.sweep();
  };
  const space = new Space(catalog, store, recordings, settings, remove, clock, events);

  // What the end of an earlier process overtook.
  const lately = clock.now() - MANIFEST_DOUBT_MS;
  for (const recording of recordings.all) {
    if ((recording.endedAt ?? lately) >= lately) manifests.changed(recording);
  }

  void space.sweep();

  recordings.follow((recording, change) => {
    if (change === 'deleted') {
      recorded.forget(recording.id);
      replays.forget(recording.id);
    } else if (change !== 'progressed') {
      // Its span may have become shorter.
      if (change === 'changed') recorded.forget(recording.id);
      manifests.changed(recording);
    }
    if (change !== 'progressed') links.changedFor(recording.edge);
  });

  const timers = [
    clock.every(SWEEP_EVERY, () => {
      manifests.sweep();
      tickets.sweep();
    }),
    clock.every(GIVE_UP_EVERY, () => void recordings.giveUp().catch((error) => events.spaceFailed(error))),
    clock.every(SPACE_SWEEP_MS, () => void space.sweep()),
    clock.after(FIRST_ORPHAN_SWEEP_MS, () => void space.removeOrphans()),
    clock.every(ORPHAN_SWEEP_MS, () => void space.removeOrphans()),
  ];
  scope.defer(async () => {
    for (const timer of timers) timer.cancel();
    await space.settled;
    await manifests.close();
  });
  const check = async function* (recording: CatalogRecording) {
    yield* verify(await recorded.of(recording), store, restate);
  };
  return { recordings, recorded, keeper, segments, replays, remove, verify: check };
}
