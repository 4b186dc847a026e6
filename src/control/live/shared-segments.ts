import { cacheKey } from '../../cache/cache-key.ts';
import type { SegmentCache } from '../../cache/segment-cache.ts';
import { cutOut, partsOf, URL_DIGEST_LENGTH } from '../../media/carried.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { type Millis, millis, seconds } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { sha256 } from '../../runtime/sha256.ts';
import type { SegmentName } from '../../serve/live-routes.ts';
import type { Channel } from './channel.ts';

type Lease = { readonly channel: Channel; readonly sequence: number; readonly ttl: number; renewAt: Millis };

/**
 * Live segments in memcached: where other nodes, and this one after a restart, find them. Nothing here depends
 * on it: channels own what they list. Without memcached every call does nothing.
 */
export class SharedSegments {
  readonly #leases = new Map<string, Lease>();

  constructor(
    private readonly cache: SegmentCache | undefined,
    private readonly clock: Clock,
  ) {}

  get exists(): boolean {
    return this.cache !== undefined;
  }

  /**
   * Puts a segment there. What a player may ask for after the segment has left the list (rule A2), a target
   * duration and a second must be left whenever that happens; it is renewed at half of its life, so it gets twice that.
   */
  share(channel: Channel, record: SegmentRecord, content: Buffer): void {
    if (this.cache === undefined) return;
    const ttl = seconds(2 * Math.ceil(channel.availability(record) + record.targetDuration + 1));
    for (const part of partsOf(record)) {
      const key = cacheKey(channel.source, channel.rendition, part.fileName);
      this.#leases.set(key, { channel, sequence: record.sequence, ttl, renewAt: this.#halfOf(ttl) });
      void this.cache.set(key, cutOut(content, part), ttl);
    }
  }

  /** Lets what is still listed live on; called every second. */
  renew(): void {
    const now = this.clock.monotonic();
    for (const [key, lease] of this.#leases) {
      if (now < lease.renewAt) continue;
      const isListed = lease.channel.list.some((record) => record.sequence === lease.sequence);
      if (!isListed) this.#leases.delete(key);
      else {
        lease.renewAt = this.#halfOf(lease.ttl);
        void this.cache?.touch(key, seconds(lease.ttl));
      }
    }
  }

  /** The bytes of an announced record, as an earlier life of this node left them. */
  async recall(channel: Channel, record: SegmentRecord): Promise<Buffer | undefined> {
    const { cache } = this;
    if (cache === undefined) return undefined;
    const { source, rendition } = channel;
    const parts = await Promise.all(
      partsOf(record).map(({ fileName }) => cache.get(cacheKey(source, rendition, fileName))),
    );
    if (!parts.every((part) => part !== undefined)) return undefined;
    const found = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return sha256(found) === record.digest ? found : undefined;
  }

  /** The bytes that a URL names. Whoever else writes to memcached cannot put other bytes under it. */
  async find({ source, rendition, fileName, digest }: SegmentName): Promise<Buffer | undefined> {
    const found = await this.cache?.get(cacheKey(source, rendition, fileName));
    return found !== undefined && sha256(found).slice(0, URL_DIGEST_LENGTH) === digest ? found : undefined;
  }

  #halfOf(ttl: number): Millis {
    return millis(this.clock.monotonic() + (ttl * 1000) / 2);
  }
}
