import { parseAttributes } from './attributes.ts';
import { PlaylistError } from './playlist-error.ts';
import { MAX_LINE_BYTES } from './playlist-lines.ts';

const MAX_VARIABLES = 64;
/** Of all lines with variables together, in characters. */
const MAX_WRITTEN = 4_194_304;
const REFERENCE = /\{\$([A-Za-z0-9_-]+)\}/g;

/**
 * The variables that a media playlist defines (rfc8216bis §4.3, §4.4.2.3). They are written in when it is read: its
 * lines are served in other playlists, and some without the EXT-X-DEFINE.
 */
export class Variables {
  readonly #values = new Map<string, string>();
  #written = 0;

  /**
   * Takes an EXT-X-DEFINE. What another playlist or a URL would give (IMPORT, QUERYPARAM) has no value here.
   *
   * @throws PlaylistError
   */
  define(list: string, line: number): void {
    const attributes = parseAttributes(list);
    const name = attributes?.get('NAME')?.value;
    const value = attributes?.get('VALUE')?.value;
    const elsewhere = attributes?.get('IMPORT') ?? attributes?.get('QUERYPARAM');
    if (elsewhere !== undefined && name === undefined) return;
    if (name === undefined || value === undefined || this.#values.has(name)) throw badDefinition(line);
    if (this.#values.size === MAX_VARIABLES) throw tooManyVariables(line);
    this.#values.set(name, this.writeIn(value, line));
  }

  /**
   * A line with its variables' values.
   *
   * @throws PlaylistError where one has none, or the line becomes too long, or all such lines together
   */
  writeIn(text: string, line: number): string {
    if (!text.includes('{$')) return text;
    const written = text.replace(REFERENCE, (_, name: string) => {
      const value = this.#values.get(name);
      if (value === undefined) throw noValue(line, name);
      return value;
    });
    this.#written += written.length;
    if (written.length > MAX_LINE_BYTES || this.#written > MAX_WRITTEN) throw tooLong(line);
    return written;
  }
}

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);
const badDefinition = (line: number) =>
  bad(line, 'this EXT-X-DEFINE is none; write NAME="…",VALUE="…", each name once');
const tooManyVariables = (line: number) =>
  bad(line, `this is one EXT-X-DEFINE too many; write at most ${MAX_VARIABLES}`);
const noValue = (line: number, name: string) =>
  bad(line, `{$${name}} has no value here; write #EXT-X-DEFINE:NAME="${name}",VALUE="…" before this line`);
const tooLong = (line: number) =>
  new PlaylistError(
    'line_too_long',
    line,
    `this line is too long with its variables; keep it under ${MAX_LINE_BYTES} bytes`,
  );
