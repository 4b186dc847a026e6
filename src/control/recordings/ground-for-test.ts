import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog, CatalogSegment } from '../../catalog/catalog.ts';
import { openCatalog } from '../../catalog/open-catalog.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import type { ControlEvents } from '../events.ts';
import { Recordings } from './recordings.ts';

/** What the parts of a recording stand on in tests: a real catalog in a folder of its own, a clock that stands still. */
export type Ground = AsyncDisposable & {
  readonly clock: FakeClock;
  /** When the test began. */
  readonly start: number;
  readonly catalog: Catalog;
  /** Names of the events that were told. */
  readonly told: string[];
  readonly events: ControlEvents;
  openRecordings(): Promise<Recordings>;
};

export async function openGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'livemix-recordings-'));
  const clock = new FakeClock();
  const catalog = await openCatalog(`sqlite:${join(folder, 'catalog.db')}`, { clock });
  const told: string[] = [];
  const note = (name: string) => () => void told.push(name);
  const events = new Proxy({} as ControlEvents, { get: (_, name) => note(String(name)) });
  return {
    clock,
    start: clock.now(),
    catalog,
    told,
    events,
    openRecordings: () => Recordings.open(catalog, 7, clock, events),
    [Symbol.asyncDispose]: async () => {
      await catalog.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Bytes that a segment of that number has. */
export const contentOf = (sequence: number): Buffer => Buffer.alloc(188, sequence + 1);

/** A record whose digest is that of `contentOf`; it begins two seconds after the one before it, number 0 at `start`. */
export function realRecord(
  start: number,
  sequence: number,
  change: { [K in keyof SegmentRecord]?: SegmentRecord[K] } = {},
): SegmentRecord {
  const content = contentOf(sequence);
  const isGap = change.gap !== undefined;
  return recordForTest(sequence, {
    at: epochMs(start + sequence * 2_000),
    digest: isGap ? '' : createHash('sha256').update(content).digest('base64url'),
    bytes: bytes(isGap ? 0 : content.length),
    ...change,
  });
}

export const rowOf = (record: SegmentRecord, key: string | undefined = keyOf(record)): CatalogSegment => ({
  source: 'camera-0',
  rendition: 'main',
  record,
  key,
});

const keyOf = ({ sequence, gap }: SegmentRecord) =>
  gap === undefined ? `segments/camera-0/main/${sequence}-t.ts` : undefined;
