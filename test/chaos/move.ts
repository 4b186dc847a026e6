/** What a source can be told to do at its next segment, besides making and announcing it. */
export type Move =
  | { readonly kind: 'plain' }
  /** A new life of the encoder: number 0 again, other bytes, under the same names or new ones. */
  | { readonly kind: 'restart'; readonly afterMs: number; readonly sameNames: boolean }
  /** So many numbers are left out; the list begins anew behind them. */
  | { readonly kind: 'jump'; readonly numbers: number }
  /** So many segments are made whose playlists never arrive. */
  | { readonly kind: 'lose-posts'; readonly count: number }
  /** The same playlist so many times. */
  | { readonly kind: 'duplicate'; readonly times: number }
  /** The playlist and the one before it, on two connections at once. */
  | { readonly kind: 'together' }
  /** Behind the playlist, the one that was posted so many posts ago. */
  | { readonly kind: 'replay'; readonly back: number }
  /** A playlist comes after the one that follows it. */
  | { readonly kind: 'reorder' }
  /** Announced when half of the file is written; the rest follows. */
  | { readonly kind: 'partial'; readonly completesAfterMs: number }
  /** Announced with a file of 0 bytes. */
  | { readonly kind: 'truncate' }
  /** Announced, and its file is gone. */
  | { readonly kind: 'unlink' }
  /** Loses half of its file so soon after the announcement that somebody may be reading it. */
  | { readonly kind: 'shrink'; readonly afterMs: number }
  /** Two segments in one playlist share a name; only the second has a file. `posted`: the first was announced alone before. */
  | { readonly kind: 'same-name'; readonly posted: boolean };

export type MoveKind = Move['kind'];
