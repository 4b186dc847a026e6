import type { Catalog } from '../../catalog/catalog.ts';
import { type EpochMs, epochMs, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ControlEvents } from '../events.ts';
import { isManifest, MANIFESTS } from './manifest.ts';
import type { Recordings } from './recordings.ts';

const DAY_MS = 86_400_000;
/** Segments that are let go in one transaction. */
const AT_ONCE = 500;
const PARALLEL_DELETES = 8;

export type SpaceSettings = {
  /** How old a recording gets; undefined: as old as it likes. */
  readonly maxAgeDays: number | undefined;
  /** What all recordings together may take; undefined: what there is. */
  readonly maxBytes: number | undefined;
};

/** Removes a recording, its manifest first. */
export type RemoveRecording = (id: string) => Promise<void>;

/** The room recordings take: what no recording has any more goes, and what is too old or too much. */
export class Space {
  #running: Promise<void> = Promise.resolve();
  /** The sweep that has not begun yet: it does for all who ask until it does. */
  #next: Promise<void> | undefined;

  constructor(
    private readonly catalog: Catalog,
    private readonly store: ObjectStore,
    private readonly recordings: Recordings,
    private readonly settings: SpaceSettings,
    private readonly remove: RemoveRecording,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {}

  /** Lets go of what may go. One sweep at a time; a store in trouble is left for the next one. */
  sweep(): Promise<void> {
    this.#next ??= this.#inTurn(async () => {
      this.#next = undefined;
      await this.#removeOld();
      await this.#letGo();
      await this.#removeTooMuch();
    });
    return this.#next;
  }

  /**
   * Removes objects that nothing knows of: what was put and never confirmed, as far as it is a day old. None where
   * a manifest tells of a recording that the catalog does not know: the catalog was lost, or is not the store's only one.
   */
  removeOrphans(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refuseUnknownRecordings();
      await this.#removeOrphansBelow('segments/', (keys) => this.catalog.knownKeys(keys));
      // Parts of manifests, of which the removal broke off.
      const stay = (key: string) => isManifest(key) || this.#isKnown(key);
      await this.#removeOrphansBelow(MANIFESTS, async (keys) => new Set(keys.filter(stay)));
    });
  }

  /** Resolves when the sweep that runs has ended. */
  get settled(): Promise<void> {
    return this.#running;
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(task).catch((error: Error) => this.events.spaceFailed(error));
    return this.#running;
  }

  async #letGo(): Promise<void> {
    while ((await this.catalog.dropUncovered(AT_ONCE)) === AT_ONCE);
    for (let keys = await this.catalog.doomed(AT_ONCE); keys.length > 0; ) {
      await this.#deleteObjects(keys);
      await this.catalog.undoom(keys);
      this.events.objectsRemoved(keys.length);
      keys = await this.catalog.doomed(AT_ONCE);
    }
  }

  async #deleteObjects(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += PARALLEL_DELETES) {
      await Promise.all(keys.slice(start, start + PARALLEL_DELETES).map((key) => this.store.delete(key)));
    }
  }

  async #removeOrphansBelow(
    prefix: string,
    knownOf: (keys: readonly string[]) => Promise<ReadonlySet<string>>,
  ): Promise<void> {
    const before = epochMs(this.clock.now() - DAY_MS);
    for await (const page of this.store.list(prefix)) {
      const old = page.filter(({ modifiedAt }) => modifiedAt < before).map(({ key }) => key);
      if (old.length === 0) continue;
      const known = await knownOf(old);
      const orphans = old.filter((key) => !known.has(key));
      if (orphans.length === 0) continue;
      await this.#deleteObjects(orphans);
      this.events.orphansRemoved(orphans.length);
    }
  }

  /** Whether the catalog knows the recording that a manifest, or a part of one, is of. */
  #isKnown(key: string): boolean {
    return this.recordings.find(key.split('/')[1]!) !== undefined;
  }

  async #refuseUnknownRecordings(): Promise<void> {
    for await (const page of this.store.list(MANIFESTS)) {
      const unknown = page.find(({ key }) => isManifest(key) && !this.#isKnown(key));
      if (unknown === undefined) continue;
      throw new Error(
        `the store has ${unknown.key}, which the catalog does not know: run \`livemix recordings rebuild\`, or remove it`,
      );
    }
  }

  async #removeOld(): Promise<void> {
    const { maxAgeDays } = this.settings;
    if (maxAgeDays === undefined) return;
    const before = this.clock.now() - maxAgeDays * DAY_MS;
    for (const { id, endedAt } of this.#removable()) {
      if (endedAt! >= before) break;
      this.events.recordingExpired(id, 'age');
      await this.remove(id);
    }
  }

  async #removeTooMuch(): Promise<void> {
    const { maxBytes } = this.settings;
    if (maxBytes === undefined) return;
    for (const { id } of this.#removable()) {
      if ((await this.catalog.storedBytes()) <= maxBytes) return;
      this.events.recordingExpired(id, 'quota');
      await this.remove(id);
      await this.#letGo();
    }
    if ((await this.catalog.storedBytes()) > maxBytes) this.events.quotaExceeded(maxBytes);
  }

  /** Those that have ended and are not kept for ever, the oldest first. */
  #removable(): readonly { readonly id: string; readonly endedAt: EpochMs | undefined }[] {
    return this.recordings.all
      .filter(({ keep, ended }) => !keep && ended !== undefined)
      .sort((a, b) => a.endedAt! - b.endedAt!);
  }
}

/** How often space is looked at. */
export const SPACE_SWEEP_MS = millis(30_000);
/** All objects are listed then: seldom, and not while a start keeps everybody busy. */
export const ORPHAN_SWEEP_MS = millis(6 * 3_600_000);
export const FIRST_ORPHAN_SWEEP_MS = millis(5 * 60_000);
