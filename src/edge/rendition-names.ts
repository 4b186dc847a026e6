import { z } from 'zod';
import type { MultivariantPlaylist } from '../hls/multivariant-playlist.ts';
import { MAX_RENDITIONS } from '../hls/parse-multivariant.ts';
import { PlaylistError } from '../hls/playlist-error.ts';
import { renderMultivariant } from '../hls/render-multivariant.ts';
import { isName, MAIN, NAME_PATTERN } from '../media/name.ts';
import { fitsMessage, MAX_MULTIVARIANT_CHARACTERS } from '../wire/link-messages.ts';
import { readState, replaceState } from './spool/state-file.ts';

const stateSchema = z.object({
  multivariant: z.string().optional(),
  /** By where the encoder has its media playlist. */
  names: z.record(z.string().max(2048), z.string().regex(NAME_PATTERN)),
});
type State = z.infer<typeof stateSchema>;

/**
 * Which of an encoder's media playlists is which rendition, and the playlist that names them all, as viewers get it. Kept
 * over a restart of the edge: an encoder sends its multivariant playlist but once.
 */
export class RenditionNames {
  #state: State;
  /** What the file holds, or is about to. */
  #kept: string;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    state: State,
  ) {
    this.#state = state;
    this.#kept = JSON.stringify(state);
  }

  static async open(file: string): Promise<RenditionNames> {
    const found = await readState(file);
    if (found === undefined) return new RenditionNames(file, { names: {} });
    const parsed = stateSchema.safeParse(found);
    if (!parsed.success) throw new Error(`${file} is not of LiveMix; move it away to start anew`);
    return new RenditionNames(file, parsed.data);
  }

  /** The playlist that names the renditions, with `{rendition}.m3u8` for URIs; undefined where there is but one. */
  get multivariant(): string | undefined {
    return this.#state.multivariant;
  }

  /** Whether nothing was named yet. */
  get isEmpty(): boolean {
    return Object.keys(this.#state.names).length === 0;
  }

  /** The renditions that are named. */
  get all(): readonly string[] {
    return [...new Set(Object.values(this.#state.names))];
  }

  /** The rendition whose media playlist lies there; undefined where nothing says so. */
  of(place: string): string | undefined {
    return this.#state.names[place];
  }

  /** The source has one rendition, whose media playlist lies there; so did earlier ones. Durable when it resolves. */
  async single(place: string): Promise<void> {
    const before = this.multivariant === undefined ? Object.keys(this.#state.names) : [];
    const places = [...before.filter((other) => other !== place).slice(1 - MAX_PLACES), place];
    await this.#write({ names: Object.fromEntries(places.map((each) => [each, MAIN])) });
  }

  /**
   * The encoder says which renditions there are. Those that are known keep their names. Durable when it resolves.
   * @param placeOf where a URI of the playlist leads to; throws `PlaylistError` where that is not this source
   * @param named what an encoder names by itself; where it is left out, names are made of places
   */
  async describe(
    playlist: MultivariantPlaylist,
    placeOf: (uri: string, line: number) => string,
    named?: (place: string) => string,
  ): Promise<void> {
    const places = new Map<string, string>();
    for (const { uri, line } of playlist.entries) if (uri !== undefined) places.set(uri, placeOf(uri, line));
    const names: Record<string, string> = {};
    const taken = new Set<string>();
    const give = (place: string, name: string) => {
      names[place] = name;
      taken.add(name);
    };
    for (const place of places.values()) {
      const known = this.of(place);
      // What was the source's only one, in turns, is several now.
      if (named !== undefined) give(place, named(place));
      else if (known !== undefined && !taken.has(known)) give(place, known);
    }
    for (const [uri, place] of places) if (names[place] === undefined) give(place, nameFrom(uri, taken));
    const text = renderMultivariant(playlist, (uri) => `${names[places.get(uri)!]!}.m3u8`);
    if (!fitsMessage(text)) throw tooLong(playlist);
    await this.#write({ multivariant: text, names });
  }

  async #write(state: State): Promise<void> {
    this.#state = state;
    const text = JSON.stringify(state);
    if (text === this.#kept) return this.#writing;
    this.#kept = text;
    // A disk that refuses it is asked again with the next playlist.
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(() => replaceState(this.file, this.#state))
      .catch((error: unknown) => {
        this.#kept = '';
        throw error;
      });
    await this.#writing;
  }
}

/** Where playlists of a source with one rendition lay, as far as they are remembered. */
const MAX_PLACES = 8;

/** Names of files that say nothing: the folder they lie in does. */
const SAYS_NOTHING = /[-_.]?(?:index|playlist|prog_index|stream|media|chunklist|main)$/;

/** A name made of a media playlist's URI: `low/index.m3u8` is `low`, `out_1.m3u8` is `out_1`. */
function nameFrom(uri: string, taken: ReadonlySet<string>): string {
  const path = uri.replace(/[?#].*$/, '').replace(/\.m3u8?$/i, '');
  const words = path
    .split('/')
    .filter((word) => word !== '..')
    .slice(-2)
    .join('-');
  const plain = words.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  const short = plain.replace(SAYS_NOTHING, '').slice(0, 56);
  const base = isName(short) && short !== 'index' && short !== MAIN ? short : 'rendition';
  for (let number = 1; number <= 2 * MAX_RENDITIONS; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(name)) return name;
  }
  throw new RangeError('more renditions than a playlist may name');
}

const tooLong = ({ entries }: MultivariantPlaylist) =>
  new PlaylistError(
    'bad_playlist',
    entries.at(-1)?.line ?? 1,
    `the playlist is too long up to here; keep it under ${MAX_MULTIVARIANT_CHARACTERS} characters`,
  );
