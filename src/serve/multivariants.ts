import { namesOwnKeys, withSessionKeys } from '../hls/session-keys.ts';
import { multivariantAsSent, type RenderedPlaylist } from './rendered-playlist.ts';

/** The playlists that name a source's renditions, as they are sent: hashed and packed once for as long as nothing in them changes. */
export class Multivariants {
  readonly #made = new WeakMap<object, { readonly text: string; readonly rendered: RenderedPlaylist }>();

  /**
   * @param source whose it is
   * @param text as its edge wrote it
   * @param media the media playlists beside it, as far as they are at hand: asked for where it names their keys
   */
  of(source: object, text: string, media: () => Iterable<RenderedPlaylist>): RenderedPlaylist {
    const full = namesOwnKeys(text)
      ? withSessionKeys(
          text,
          Array.from(media(), (one) => one.text.toString()),
        )
      : text;
    const known = this.#made.get(source);
    if (known?.text === full) return known.rendered;
    const rendered = multivariantAsSent(full);
    this.#made.set(source, { text: full, rendered });
    return rendered;
  }
}
