import { LiveMixError } from '../../media/error.ts';
import type { Bytes } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ControlEvents } from '../events.ts';
import { Channel } from './channel.ts';

/** All channels of a control node, and the bound on what they hold together. */
export class Channels {
  readonly #channels = new Map<string, Channel>();

  constructor(
    private readonly maxBytes: Bytes,
    private readonly minSegments: number,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {}

  find(source: string, rendition: string): Channel | undefined {
    return this.#channels.get(`${source}/${rendition}`);
  }

  open(source: string, rendition: string): Channel {
    const key = `${source}/${rendition}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = new Channel(source, rendition, this.minSegments, this.clock, () =>
        this.events.listRendered(source),
      );
      this.#channels.set(key, channel);
    }
    return channel;
  }

  /** Bytes that all channels hold. */
  get bytes(): number {
    let sum = 0;
    for (const channel of this.#channels.values()) sum += channel.bytes;
    return sum;
  }

  /** Refuses a channel that would have to begin when there is no room: one that is listed is never cut. Throws `live_full`. */
  refuseWhenFull(channel: Channel, coming: number): void {
    if (channel.list.length > 0 || this.bytes + coming <= this.maxBytes) return;
    this.events.liveFull(channel.source);
    throw new LiveMixError('live_full', 'Control has no memory left for another live source.', {
      retryAfter: 5,
    });
  }

  /** Lets go of what nobody can ask for any more. */
  sweep(): void {
    for (const channel of this.#channels.values()) channel.sweep();
  }

  *of(source: string): Iterable<Channel> {
    for (const channel of this.#channels.values()) if (channel.source === source) yield channel;
  }
}
