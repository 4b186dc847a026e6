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

  /** Looks at a source again. Where nobody wants it any more, its list goes at once. */
  review(source: Source): void {
    const wanted = this.#isWanted(source);
    if (wanted === source.wanted) return;
    source.wanted = wanted;
    this.events.forwardingAsked(source.name, wanted);
    if (!wanted) for (const channel of this.channels.of(source.name)) channel.drop();
    this.onChange(source);
  }

  /** A source was deleted: nothing of it is wanted or shown any more. */
  forget(source: Source): void {
    source.wanted = false;
    for (const channel of this.channels.of(source.name)) channel.drop();
  }

  #isWanted(source: Source): boolean {
    switch (source.entry.mode) {
      case 'off':
        return false;
      case 'always':
        return true;
      case 'on-demand':
        return this.presence.isWatched(source.name, source.targetDuration) || this.#leftAsItIs(source);
    }
  }

  /** A process that has just started does not know who watches: it leaves every source as its edge reports it. */
  #leftAsItIs(source: Source): boolean {
    const young = this.clock.monotonic() - this.#startedAt < presenceLasts(source.targetDuration);
    return young && (source.wanted || (source.report?.forwarding.length ?? 0) > 0);
  }
}
