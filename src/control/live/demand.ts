import { MAIN } from '../../media/name.ts';
import type { Millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type Presence, presenceLasts } from '../../serve/presence.ts';
import type { ControlEvents } from '../events.ts';
import type { Source } from '../sources/source.ts';
import type { Channels } from './channels.ts';

/** What control asks of edges: which sources are to be forwarded now. */
export class Demand {
  readonly #startedAt: Millis;

  constructor(
    private readonly presence: Presence,
    private readonly channels: Channels,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
    /** The demand of a source changed: its edge must be told. */
    private readonly onChange: (source: Source) => void,
  ) {
    this.#startedAt = clock.monotonic();
  }

  /** Looks at a source again. What of it nobody wants any more is listed no longer. */
  review(source: Source): void {
    const wanted = this.#wantedOf(source);
    const gone = [...source.wanted].filter((rendition) => !wanted.includes(rendition));
    if (gone.length === 0 && wanted.length === source.wanted.size) return;
    source.wanted = new Set(wanted);
    this.events.forwardingAsked(source.name, wanted);
    for (const rendition of gone) this.channels.find(source.name, rendition)?.drop();
    this.onChange(source);
  }

  /** A source has turned out to have several renditions: who waits for its only one gets the playlist that names them. */
  described(source: string): void {
    this.channels.find(source, MAIN)?.release();
  }

  /** A source was deleted: nothing of it is wanted or shown any more. */
  forget(source: Source): void {
    source.wanted = new Set();
    for (const channel of this.channels.of(source.name)) channel.drop();
  }

  #wantedOf(source: Source): readonly string[] {
    switch (source.entry.mode) {
      case 'off':
        return [];
      case 'always':
        return source.report?.renditions ?? [...source.wanted];
      case 'on-demand': {
        const watched = this.presence.watchedOf(source.name, source.targetDuration);
        return [...new Set([...watched, ...this.#leftAsTheyAre(source)])].filter((one) => source.has(one));
      }
    }
  }

  /** A process that has just started does not know who watches: it leaves every rendition as its edge reports it. */
  #leftAsTheyAre(source: Source): readonly string[] {
    const young = this.clock.monotonic() - this.#startedAt < presenceLasts(source.targetDuration);
    return young ? [...source.wanted, ...(source.report?.forwarding ?? [])] : [];
  }
}
