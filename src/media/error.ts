/**
 * An error a person can act on. `code` stands in `docs/errors.md`; `status` is what HTTP answers with it;
 * `detail` says what happened, `hint` what to do. Neither names a path or a secret unless an operator gave it.
 */
export class LiveMixError extends Error {
  constructor(
    readonly code: ErrorCode,
    detail: string,
    options: { readonly hint?: string; readonly retryAfter?: number; readonly cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LiveMixError';
    this.hint = options.hint ?? errorTable[code].mend;
    this.retryAfter = options.retryAfter;
  }

  readonly hint: string;
  /** Seconds, for the Retry-After header. */
  readonly retryAfter: number | undefined;

  get status(): number {
    return errorTable[this.code].status;
  }

  get title(): string {
    return errorTable[this.code].title;
  }
}

type ErrorRow = { readonly status: number; readonly title: string; readonly mend: string };
const row = (status: number, title: string, mend: string): ErrorRow => ({ status, title, mend });

/** Every code LiveMix answers with. `docs/errors.md` is compared with this table by a test. */
export const errorTable = {
  bad_request: row(400, 'Malformed request', 'Check the request against the documentation.'),
  bad_playlist: row(
    400,
    'Not a playlist LiveMix can read',
    'Post an HLS media playlist (RFC 8216) as UTF-8 text.',
  ),
  line_too_long: row(400, 'A line of the playlist is too long', 'Keep every line under 4 KiB.'),
  bad_source_name: row(
    400,
    'The source name is missing or malformed',
    'Send `Video-Source-Name` with 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit.',
  ),
  bad_push_path: row(
    400,
    'Nothing can be pushed under this path',
    'Push to /v1/ingest/SOURCE/index.m3u8, with segments like cam-%06d.ts beside it.',
  ),
  bad_prefix: row(
    400,
    'The segment prefix is missing or malformed',
    'Send `MPEG-TS-URI-Prefix` with file:///folder or http(s)://host/folder, without query or fragment.',
  ),
  bad_digest: row(
    400,
    'The digest is missing or malformed',
    'Send `Content-Digest: sha-256=:…:` (RFC 9530).',
  ),
  bad_record: row(
    400,
    'The segment record is malformed',
    'Run the same LiveMix version on edge and control.',
  ),
  bad_link: row(
    400,
    'The link generation is missing or malformed',
    'Open the link first; send its generation.',
  ),
  unknown_field: row(400, 'The body has a field that is not known', 'Leave the field out.'),
  bad_mode: row(400, 'No such mode', 'Use on-demand, always or off.'),
  bad_time: row(
    400,
    'No such time',
    'Write an ISO time with its zone, 2026-05-17T10:00:00Z, or an offset from now: "-30s", "+2m", "-1h".',
  ),
  bad_recording: row(400, 'The recording is malformed', 'Send { source, from?, until?, title? }.'),
  unauthorized: row(
    401,
    'Who are you?',
    'Send `Authorization: Bearer TOKEN` with the token this node was started with.',
  ),
  prefix_not_allowed: row(
    403,
    'The edge may not read segments there',
    'Start the edge with LIVEMIX_MEDIA_ROOTS (folders) or LIVEMIX_MEDIA_ORIGINS (http origins) that include the prefix.',
  ),
  csrf: row(
    403,
    'Another site asks for this',
    'Open the page of this node, or send the request yourself. A proxy must pass the `Host` header.',
  ),
  source_not_yours: row(403, 'The source belongs to another edge', 'See `livemix sources`.'),
  not_found: row(404, 'No such thing', 'Check the address.'),
  source_unknown: row(404, 'No such source', 'See `livemix sources` for the names that exist.'),
  segment_unknown: row(404, 'No such segment', 'Reload the playlist.'),
  recording_unknown: row(404, 'No such recording', 'See `livemix recordings` for those that exist.'),
  ticket_unknown: row(404, 'No such ticket', 'Announce the record again.'),
  method_not_allowed: row(405, 'Method not allowed', 'See the `Allow` header.'),
  source_busy: row(
    409,
    'Another encoder pushes this source',
    'Push to another source name, or stop the first encoder. Variants of one encoder need a multivariant playlist (ffmpeg: `-master_pl_name master.m3u8`, and `-b:v` for each).',
  ),
  source_taken: row(
    409,
    'Another edge owns this source',
    'Rename one of them, or `livemix sources delete NAME` to free the name.',
  ),
  stale_link: row(409, 'A newer link of this edge is open', 'Reconnect.'),
  conflict: row(
    409,
    'The same segment came with other bytes',
    'The first one stays. Check that only one edge uses this spool.',
  ),
  ticket_used: row(409, 'The ticket was used already', 'Announce the record again.'),
  download_impossible: row(
    409,
    'The recording is no single file of this kind',
    'Play its index.m3u8, or download it as what the detail names.',
  ),
  mp4_impossible: row(409, 'The recording does not fit into one MP4', 'Download it as .ts.'),
  recording_empty: row(409, 'The recording has no media yet', 'Ask again when it has recorded something.'),
  not_wanted: row(409, 'Nobody asked for this segment', 'Wait until control asks.'),
  recording_gone: row(410, 'No recording wants this segment any more', 'Leave it.'),
  length_required: row(411, 'Content-Length is missing', 'Send the length.'),
  body_too_large: row(413, 'The body is too large', 'Send less at once.'),
  too_large: row(413, 'The segment is too large', 'Use shorter segments or a lower bit rate.'),
  wrong_type: row(
    415,
    'The content type is not accepted',
    'Send the media type of the segment, without Content-Encoding.',
  ),
  range_not_satisfiable: row(416, 'The range lies outside the segment', 'Ask within its length.'),
  misdirected: row(421, 'This request is for another host', 'Send it to its own host.'),
  too_many_segments: row(422, 'The playlist has too many segments', 'Keep a playlist under 25,000 segments.'),
  foreign_playlist: row(
    422,
    'The multivariant playlist names what is not of its source',
    'Name media playlists beside it: low/index.m3u8 where they are pushed, low.m3u8 where they are posted.',
  ),
  bad_span: row(422, 'No recording can have this span', 'Let `from` lie before `until`.'),
  bad_segment: row(
    422,
    'The segment is not whole, or not what its name says',
    'Send segments to their end. A .ts is an MPEG transport stream, from -f hls; fMP4 is called .m4s or .mp4.',
  ),
  digest_mismatch: row(422, 'The bytes do not match their digest', 'Send the segment again.'),
  too_many_playlists: row(429, 'Too many playlists', 'Post at most 20 playlists a second for one source.'),
  too_many_renditions: row(
    422,
    'Too many renditions',
    'One source takes 64 variants and renditions, one edge 256 of all sources.',
  ),
  too_many_sources: row(429, 'Too many sources', 'One edge takes 64 sources; start a second edge.'),
  too_many_recordings: row(
    429,
    'Too many recordings of this source at once',
    'Wait until some are complete, or let them overlap.',
  ),
  too_many_requests: row(429, 'Too many requests', 'Slow down.'),
  header_fields_too_large: row(431, 'Too many header fields', 'Send at most 64 header fields.'),
  internal: row(500, 'LiveMix failed', 'This is our bug: please report it with the request id.'),
  source_starting: row(503, 'The source is starting', 'Ask again in a moment.'),
  source_offline: row(503, 'The source is offline', 'Check the encoder and its edge.'),
  source_off: row(503, 'The source is switched off', '`livemix sources mode NAME on-demand` switches it on.'),
  live_full: row(503, 'No room for another live source', 'Raise `max` in LIVEMIX_CACHE_URL.'),
  busy: row(503, 'Too busy', 'Ask again in a moment.'),
  store_unavailable: row(503, 'The object store is in trouble', 'Check LIVEMIX_STORE_URL and the store.'),
  db_busy: row(503, 'The catalog is busy', 'Ask again in a moment.'),
  http_version: row(505, 'HTTP version not supported', 'Use HTTP/1.1.'),
  spool_full: row(
    507,
    'The spool is full',
    'Free disk space. Where recordings that wait for control fill LIVEMIX_SPOOL_BYTES, mend the line, or raise it as far as the disk goes.',
  ),
} satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

/** The `application/problem+json` body of an error (RFC 9457), as `docs/errors.md` describes it. */
export const problem = (error: LiveMixError, requestId: string) => ({
  code: error.code,
  title: error.title,
  detail: error.message,
  hint: error.hint,
  requestId,
});

/** What is wrong with a source, for its operator. */
export type Trouble = { readonly code: string; readonly detail: string; readonly hint: string };
