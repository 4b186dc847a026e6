import { LiveMixError } from '../media/error.ts';

export type PlaylistErrorCode =
  | 'bad_playlist'
  | 'line_too_long'
  | 'foreign_playlist'
  | 'too_many_segments'
  | 'too_many_renditions';

/** A playlist that cannot be read. The message names the line (from 1) and the mend; nothing of the playlist is echoed. */
export class PlaylistError extends LiveMixError {
  declare readonly code: PlaylistErrorCode;

  constructor(
    code: PlaylistErrorCode,
    readonly line: number,
    what: string,
  ) {
    super(code, `line ${line}: ${what}`);
    this.name = 'PlaylistError';
  }
}
