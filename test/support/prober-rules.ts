import * as HLS from 'hls-parser';
import {
  type ProbedPlaylist,
  type ProbedSegment,
  playlistDuration,
  readAttributes,
  readPlaylist,
  tagName,
  tagValue,
} from './prober-playlist.ts';

/**
 * The rules of `hls-rules.md` by their names there, and those of the contract:
 * `empty` (a live list has a segment), `cache-control`, `etag`, `media-headers` (type, cache, ETag of a segment),
 * `answer` (the playlist must answer 200), `hls-parser` (its strict mode takes the list).
 */
export type RuleName =
  | 'P1'
  | 'P2'
  | 'P3'
  | 'P4'
  | 'P5'
  | 'P6'
  | 'P7'
  | 'C1'
  | 'C2'
  | 'C3'
  | 'C5'
  | 'C8'
  | 'C9'
  | 'U1'
  | 'U2'
  | 'U3'
  | 'U4'
  | 'U5'
  | 'U6'
  | 'U7'
  | 'U9'
  | 'U10'
  | 'A1'
  | 'A2'
  | 'empty'
  | 'cache-control'
  | 'etag'
  | 'media-headers'
  | 'answer'
  | 'hls-parser';

export type Finding = { readonly rule: RuleName; readonly detail: string };
export type HeaderReader = { get(name: string): string | null };

/** Sums of EXTINFs with six decimals miss by parts of a microsecond. */
const EPSILON = 1e-4;

/** What one reply breaks by itself, and the playlist it holds. `bodyBytes` is its length as it came, if it was not encoded. */
export function checkReply(
  text: string,
  headers: HeaderReader,
  bodyBytes?: number,
): { readonly playlist: ProbedPlaylist; readonly findings: readonly Finding[] } {
  const playlist = readPlaylist(text);
  const findings = [
    ...checkType(headers),
    ...checkText(text),
    ...checkTags(playlist),
    ...checkAttributes(playlist),
    ...checkVersion(playlist),
    ...checkUris(playlist),
    ...checkDurations(playlist),
    ...checkDateTimes(playlist),
    ...checkLiveness(playlist),
    ...checkComplete(playlist, headers, bodyBytes),
    ...checkCaching(playlist, headers),
  ];
  // A second opinion, asked where the first one found nothing: one mistake gets one name.
  return { playlist, findings: findings.length > 0 ? findings : checkWithHlsParser(text) };
}

const finding = (rule: RuleName, detail: string): Finding => ({ rule, detail });
const when = (broken: boolean, rule: RuleName, detail: string): Finding[] =>
  broken ? [finding(rule, detail)] : [];

function checkType(headers: HeaderReader): Finding[] {
  const type = headers.get('content-type') ?? '';
  const essence = type.split(';', 1)[0]?.trim().toLowerCase();
  return when(essence !== 'application/vnd.apple.mpegurl', 'P1', `Content-Type is "${type}"`);
}

function checkText(text: string): Finding[] {
  const stray = text.split('\n').find((line) => /^\s|[^\S\r]\r?$/.test(line) && line !== '\r');
  return [
    ...when(text.startsWith('\uFEFF'), 'P2', 'a BOM'),
    ...when(/[\0-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)/.test(text), 'P2', 'a control character'),
    ...when(text.includes('\uFFFD'), 'P2', 'not UTF-8'),
    ...when(text.normalize('NFC') !== text, 'P2', 'not in normal form C'),
    ...when(stray !== undefined && !text.startsWith('\uFEFF'), 'P2', `stray white space: "${stray}"`),
  ];
}

const ONCE = [
  '#EXT-X-TARGETDURATION',
  '#EXT-X-MEDIA-SEQUENCE',
  '#EXT-X-DISCONTINUITY-SEQUENCE',
  '#EXT-X-ENDLIST',
  '#EXT-X-PLAYLIST-TYPE',
  '#EXT-X-I-FRAMES-ONLY',
  '#EXT-X-PART-INF',
  '#EXT-X-SERVER-CONTROL',
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-START',
];
const MULTIVARIANT =
  /^#EXT-X-(MEDIA|STREAM-INF|I-FRAME-STREAM-INF|SESSION-DATA|SESSION-KEY|CONTENT-STEERING)$/;

function checkTags({ lines }: ProbedPlaylist): Finding[] {
  const names = lines.map(tagName);
  const count = (name: string) => names.filter((one) => one === name).length;
  const place = (name: string) => names.indexOf(name);
  const firstSegment = names.findIndex(
    (name) => name === '#EXTINF' || (name !== '' && !name.startsWith('#')),
  );
  const behind = (name: string, other: number) => place(name) > other && other !== -1;
  return [
    ...when(lines[0] !== '#EXTM3U', 'P3', `the first line is "${lines[0]}"`),
    ...when(count('#EXT-X-VERSION') > 1, 'P3', 'EXT-X-VERSION twice'),
    ...names
      .filter((name) => MULTIVARIANT.test(name))
      .map((name) => finding('P3', `${name} in a media playlist`)),
    ...ONCE.filter((name) => count(name) > 1).map((name) => finding('P4', `${name} twice`)),
    ...['#EXT-X-MEDIA-SEQUENCE', '#EXT-X-DISCONTINUITY-SEQUENCE']
      .filter((name) => behind(name, firstSegment))
      .map((name) => finding('P4', `${name} behind the first segment`)),
    ...when(
      behind('#EXT-X-DISCONTINUITY-SEQUENCE', place('#EXT-X-DISCONTINUITY')),
      'P4',
      'EXT-X-DISCONTINUITY-SEQUENCE behind a EXT-X-DISCONTINUITY',
    ),
  ];
}

const WITH_ATTRIBUTES =
  /^#EXT-X-(KEY|MAP|DATERANGE|START|PART-INF|PART|SERVER-CONTROL|PRELOAD-HINT|RENDITION-REPORT|SKIP|DEFINE)$/;
const QUOTED = new Set(['URI', 'KEYFORMAT', 'KEYFORMATVERSIONS', 'ID', 'CLASS', 'START-DATE', 'END-DATE']);
const PLAIN = new Set(['METHOD', 'IV', 'DURATION', 'PLANNED-DURATION', 'TIME-OFFSET', 'PART-TARGET', 'TYPE']);

const attributeLines = ({ lines }: ProbedPlaylist) =>
  lines
    .filter((line) => WITH_ATTRIBUTES.test(tagName(line)))
    .map((line) => ({ name: tagName(line), ...readAttributes(tagValue(line)) }));

function checkAttributes(playlist: ProbedPlaylist): Finding[] {
  return attributeLines(playlist).flatMap(({ name, attributes, problem }) => [
    ...when(problem !== undefined, 'P5', `${name}: ${problem}`),
    ...[...attributes]
      .filter(([key, { quoted }]) => (quoted ? PLAIN.has(key) : QUOTED.has(key)))
      .map(([key]) => finding('P5', `${name}: ${key} is quoted or not, wrongly`)),
  ]);
}

/** The version a list needs, and no higher one (RFC 8216 §7; EXT-X-GAP asks for 8). */
function checkVersion(playlist: ProbedPlaylist): Finding[] {
  const iFramesOnly = playlist.lines.some((line) => tagName(line) === '#EXT-X-I-FRAMES-ONLY');
  const needed = Math.max(1, ...playlist.lines.map((line) => versionNeededBy(line, iFramesOnly)));
  return when(
    playlist.segments.length > 0 && playlist.version !== needed,
    'P6',
    `EXT-X-VERSION is ${playlist.version}, and ${needed} is needed`,
  );
}

function versionNeededBy(line: string, iFramesOnly: boolean): number {
  switch (tagName(line)) {
    case '#EXTINF':
      return /^\d+\./.test(tagValue(line)) ? 3 : 1;
    case '#EXT-X-KEY':
      return /KEYFORMAT|SAMPLE-AES/.test(line) ? 5 : /\bIV=/.test(line) ? 2 : 1;
    case '#EXT-X-BYTERANGE':
    case '#EXT-X-I-FRAMES-ONLY':
      return 4;
    case '#EXT-X-MAP':
      return iFramesOnly ? 5 : 6;
    case '#EXT-X-GAP':
    case '#EXT-X-DEFINE':
      return 8;
    case '#EXT-X-SKIP':
      return 9;
    default:
      return 1;
  }
}

/** LiveMix names everything relative to the playlist, below any path (contract, "Media"). */
function checkUris(playlist: ProbedPlaylist): Finding[] {
  const ofTags = attributeLines(playlist).flatMap(({ attributes }) => attributes.get('URI')?.value ?? []);
  return [...playlist.segments.map((segment) => segment.uri), ...ofTags]
    .filter((uri) => uri.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(uri))
    .map((uri) => finding('P7', `"${uri}" is not relative to the playlist`));
}

function checkDurations({ lines, targetDuration, version, segments }: ProbedPlaylist): Finding[] {
  const stated = lines.find((line) => tagName(line) === '#EXT-X-TARGETDURATION');
  const sound = Number.isInteger(targetDuration) && targetDuration >= 1 && !stated?.includes('.');
  if (!sound) return [finding('C1', `the target duration is "${stated}"`)];
  return segments.flatMap(({ sequence, extinf, duration }) => [
    ...when(!isPrecise(extinf, version), 'C2', `EXTINF of ${sequence} is "${extinf}"`),
    ...when(
      Math.round(duration) > targetDuration,
      'C1',
      `EXTINF of ${sequence} is ${duration}, above ${targetDuration}`,
    ),
  ]);
}

/** Milliseconds at least, and a comma (RFC 8216 §4.3.2.1). That decimals need version 3 is P6's. */
const isPrecise = (extinf: string | undefined, version: number): boolean =>
  extinf !== undefined && (version < 3 ? /^\d+(\.\d+)?,/ : /^\d+\.\d{3,},/).test(extinf);

const ZONED_WITH_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,}(Z|[+-]\d\d:\d\d)$/;

function checkDateTimes({ segments }: ProbedPlaylist): Finding[] {
  const bad = segments.filter(({ dateTime }) => !ZONED_WITH_MILLISECONDS.test(dateTime ?? ''));
  if (bad.length > 0) {
    return bad.map(({ sequence, dateTime }) => finding('C9', `date-time of ${sequence} is "${dateTime}"`));
  }
  return segments.slice(1).flatMap((segment, index) => {
    const before = segments[index]!;
    const overlap =
      Date.parse(before.dateTime!) / 1000 + before.duration - Date.parse(segment.dateTime!) / 1000;
    return when(
      overlap >= 1,
      'C9',
      `${segment.sequence} begins ${overlap.toFixed(3)} s before ${before.sequence} ends`,
    );
  });
}

function checkLiveness({ lines, segments }: ProbedPlaylist): Finding[] {
  const names = lines.map(tagName);
  return [
    ...when(names.includes('#EXT-X-PLAYLIST-TYPE'), 'U7', 'EXT-X-PLAYLIST-TYPE in a live list'),
    ...when(names.includes('#EXT-X-ENDLIST'), 'U9', 'EXT-X-ENDLIST in a live list'),
    ...when(segments.length === 0, 'empty', 'no segment'),
  ];
}

function checkComplete(playlist: ProbedPlaylist, headers: HeaderReader, bodyBytes?: number): Finding[] {
  const stated = headers.get('content-length');
  return [
    ...when(!playlist.text.endsWith('\n'), 'U10', 'the last line has no end'),
    ...when(playlist.unfinished, 'U10', 'the last segment has no URI'),
    ...when(
      stated !== null && bodyBytes !== undefined && Number(stated) !== bodyBytes,
      'U10',
      `Content-Length ${stated} and ${bodyBytes} bytes`,
    ),
  ];
}

function checkCaching({ targetDuration }: ProbedPlaylist, headers: HeaderReader): Finding[] {
  const cacheControl = headers.get('cache-control') ?? '';
  const etag = headers.get('etag') ?? '';
  // A target duration that is none is C1's.
  const most = targetDuration >= 1 ? targetDuration / 2 : Number.POSITIVE_INFINITY;
  return [
    ...when(
      !isBriefEnough(cacheControl, most),
      'cache-control',
      `Cache-Control is "${cacheControl}"; at most half of ${targetDuration} s`,
    ),
    ...when(!isETag(etag), 'etag', `ETag is "${etag}"`),
  ];
}

export const isETag = (text: string): boolean => /^(W\/)?"[\x21\x23-\x7e]+"$/.test(text);

function isBriefEnough(cacheControl: string, most: number): boolean {
  const directives = new Map(
    cacheControl
      .toLowerCase()
      .split(',')
      .map((part) => part.trim().split('=', 2) as [string, string | undefined]),
  );
  if (directives.has('no-store') || directives.has('no-cache')) return true;
  if (directives.has('immutable') || !directives.has('max-age')) return false;
  const stale = Number(directives.get('stale-while-revalidate') ?? 0);
  return ['max-age', 's-maxage'].every((name) => Number(directives.get(name) ?? 0) + stale <= most);
}

function checkWithHlsParser(text: string): Finding[] {
  HLS.setOptions({ strictMode: true, silent: true });
  try {
    HLS.parse(text);
    return [];
  } catch (error) {
    return [finding('hls-parser', String(error))];
  }
}

/** A reply to compare with what came before. `at` is when it was asked for, in milliseconds. */
export type Reply = { readonly playlist: ProbedPlaylist; readonly etag: string | null; readonly at: number };

/** What a prober remembers of all replies it ever got. */
export class History {
  /** The last reply; absent before the first. */
  previous: Reply | undefined;
  highestMediaSequence = 0;
  highestDiscontinuitySequence = 0;
  /** Each number ever listed, as it was listed first: the first word stays. */
  readonly known = new Map<number, ProbedSegment>();

  add(reply: Reply): void {
    const { mediaSequence, discontinuitySequence, segments } = reply.playlist;
    this.previous = reply;
    this.highestMediaSequence = Math.max(this.highestMediaSequence, mediaSequence);
    this.highestDiscontinuitySequence = Math.max(this.highestDiscontinuitySequence, discontinuitySequence);
    for (const segment of segments) {
      if (!this.known.has(segment.sequence)) this.known.set(segment.sequence, segment);
    }
  }
}

export type UpdateOptions = { readonly targetRaiseAllowed?: boolean };

/** What a reply breaks as an update of those before it (RFC 8216 §6.2.1, §6.2.2). Changes nothing. */
export function checkUpdate(history: History, reply: Reply, options: UpdateOptions = {}): readonly Finding[] {
  const { previous } = history;
  if (previous === undefined) return [];
  const outOfOrder = checkOrderOfRemoval(previous.playlist, reply.playlist);
  return [
    ...checkETag(previous, reply),
    ...checkTargetDuration(previous.playlist, reply.playlist, options),
    ...checkLasting(previous.playlist, reply.playlist),
    ...checkNumbers(history, reply.playlist),
    // A removal out of order moves all numbers behind it; that is one mistake, not two.
    ...(outOfOrder.length > 0 ? outOfOrder : checkIdentity(history, reply.playlist)),
    ...checkShrinking(previous.playlist, reply.playlist),
    ...checkDiscontinuities(history, reply.playlist),
    ...checkStretch(previous, reply),
  ];
}

const checkETag = (previous: Reply, reply: Reply): Finding[] =>
  when(
    reply.etag !== null && reply.etag === previous.etag && reply.playlist.text !== previous.playlist.text,
    'etag',
    `${reply.etag} stands for two texts`,
  );

const lastSequence = (playlist: ProbedPlaylist): number =>
  playlist.mediaSequence + playlist.segments.length - 1;

/** The reply begins behind the end of the one before. */
export const beginsStretch = (before: ProbedPlaylist, now: ProbedPlaylist): boolean =>
  now.mediaSequence > lastSequence(before) + 1;

/** U1, and the one case in which LiveMix raises the target duration: with the segment that needs it, or with a new stretch. */
function checkTargetDuration(before: ProbedPlaylist, now: ProbedPlaylist, options: UpdateOptions): Finding[] {
  const change = `the target duration went from ${before.targetDuration} to ${now.targetDuration}`;
  if (now.targetDuration <= before.targetDuration) {
    return when(now.targetDuration < before.targetDuration, 'U1', change);
  }
  if (beginsStretch(before, now)) return [];
  const cause = now.segments.some(
    (segment) =>
      segment.sequence > lastSequence(before) && Math.round(segment.duration) === now.targetDuration,
  );
  const allowed = cause && options.targetRaiseAllowed !== false;
  return when(!allowed, 'U1', `${change} ${cause ? '' : 'without a new segment that long'}`.trim());
}

const checkLasting = (before: ProbedPlaylist, now: ProbedPlaylist): Finding[] =>
  when(
    before.lasting.join('\n') !== now.lasting.join('\n'),
    'U2',
    `tags of the playlist changed from [${before.lasting}] to [${now.lasting}]`,
  );

const checkNumbers = ({ highestMediaSequence }: History, now: ProbedPlaylist): Finding[] =>
  when(
    now.mediaSequence < highestMediaSequence,
    'U3',
    `EXT-X-MEDIA-SEQUENCE fell from ${highestMediaSequence} to ${now.mediaSequence}`,
  );

const checkIdentity = ({ known }: History, now: ProbedPlaylist): Finding[] =>
  now.segments.flatMap((segment) => {
    const first = known.get(segment.sequence);
    const same = first === undefined || first.identity === segment.identity;
    return when(!same, 'U3', `${segment.sequence} was\n${first?.identity}\nand is\n${segment.identity}`);
  });

/** A segment that went while one before it stayed. */
function checkOrderOfRemoval(before: ProbedPlaylist, now: ProbedPlaylist): Finding[] {
  // A list that fell back to an earlier state lacks the newest: U3 names that.
  if (now.mediaSequence < before.mediaSequence) return [];
  const listed = new Set(now.segments.map((segment) => segment.uri));
  const firstKept = before.segments.findIndex((segment) => listed.has(segment.uri));
  if (firstKept === -1) return [];
  return before.segments
    .slice(firstKept)
    .filter((segment) => !listed.has(segment.uri) && !isRenamed(segment, now))
    .map(({ sequence, uri }) =>
      finding('U4', `${sequence} (${uri}) went before ${before.segments[firstKept]?.sequence}`),
    );
}

/** The same place with another URI, and its neighbours in theirs: not removed, but changed (U3). */
function isRenamed(segment: ProbedSegment, now: ProbedPlaylist): boolean {
  const place = now.segments.find((one) => one.sequence === segment.sequence);
  return place !== undefined && place.dateTime === segment.dateTime && place.uri !== segment.uri;
}

function checkShrinking(before: ProbedPlaylist, now: ProbedPlaylist): Finding[] {
  const lasts = playlistDuration(now);
  const removed = now.mediaSequence > before.mediaSequence;
  const short = lasts + EPSILON < 3 * now.targetDuration;
  return when(removed && short, 'U5', `${lasts} s are left, below 3 x ${now.targetDuration}`);
}

function checkDiscontinuities(history: History, now: ProbedPlaylist): Finding[] {
  const highest = history.highestDiscontinuitySequence;
  const changed = now.segments.flatMap((segment) => {
    const first = history.known.get(segment.sequence);
    if (first === undefined) return [];
    return [
      ...when(
        first.discontinuitySequence !== segment.discontinuitySequence,
        'U6',
        `the discontinuity number of ${segment.sequence} was ${first.discontinuitySequence} and is ${segment.discontinuitySequence}`,
      ),
      ...when(
        first.discontinuity !== segment.discontinuity,
        'U6',
        `EXT-X-DISCONTINUITY of ${segment.sequence} ${segment.discontinuity ? 'came' : 'went'}`,
      ),
    ];
  });
  const fell = now.discontinuitySequence < highest;
  return [
    ...when(fell, 'U6', `EXT-X-DISCONTINUITY-SEQUENCE fell from ${highest} to ${now.discontinuitySequence}`),
    ...changed,
  ];
}

/** The tag of the stretch slid out of the list before it was looked at: it is counted. */
const tagHasLeft = (before: ProbedPlaylist, now: ProbedPlaylist): boolean =>
  now.discontinuitySequence > (before.segments.at(-1)?.discontinuitySequence ?? 0);

/**
 * A new stretch opens with EXT-X-DISCONTINUITY. A prober that did not look for as long as the new list lasts may
 * have missed its opening, and says nothing.
 */
function checkStretch(previous: Reply, reply: Reply): Finding[] {
  const { playlist } = reply;
  const unseen = (reply.at - previous.at) / 1000;
  const opened = beginsStretch(previous.playlist, playlist) && unseen < playlistDuration(playlist);
  return when(
    opened && playlist.segments[0]?.discontinuity === false && !tagHasLeft(previous.playlist, playlist),
    'U6',
    `${playlist.mediaSequence} opens a stretch behind ${lastSequence(previous.playlist)} without EXT-X-DISCONTINUITY`,
  );
}
