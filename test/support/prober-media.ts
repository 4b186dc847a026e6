import { type Finding, type HeaderReader, isETag } from './prober-rules.ts';

export type MediaReply = {
  readonly uri: string;
  readonly status: number;
  readonly headers: HeaderReader;
  readonly body: Uint8Array;
};

const TYPES: Readonly<Record<string, string>> = { ts: 'video/mp2t', m4s: 'video/mp4', mp4: 'video/mp4' };
const SYNC_BYTE = 0x47;
const PACKET = 188;

/** What a segment's reply breaks: A1, C5, and the contract's "Media". */
export function checkMedia({ uri, status, headers, body }: MediaReply): readonly Finding[] {
  if (status !== 200) return [{ rule: 'A1', detail: `${uri} answered ${status}` }];
  const extension = uri.split('.').at(-1) ?? '';
  const length = headers.get('content-length');
  const findings: Finding[] = [];
  if (length === null || Number(length) !== body.length || headers.get('content-encoding') !== null) {
    findings.push({ rule: 'A1', detail: `${uri}: Content-Length ${length} and ${body.length} bytes` });
  }
  return [...findings, ...checkMediaHeaders(uri, extension, headers)];
}

/** What a segment must begin with, once it is decrypted: C5. */
export function checkBeginning(uri: string, body: Uint8Array): readonly Finding[] {
  if (!uri.endsWith('.ts') || body[0] === SYNC_BYTE) return [];
  return [{ rule: 'C5', detail: `${uri} does not begin with a transport packet` }];
}

function checkMediaHeaders(uri: string, extension: string, headers: HeaderReader): readonly Finding[] {
  const type = headers.get('content-type');
  const cacheControl = headers.get('cache-control') ?? '';
  const etag = headers.get('etag') ?? '';
  const wrong: string[] = [];
  if (TYPES[extension] !== undefined && type !== TYPES[extension]) wrong.push(`Content-Type "${type}"`);
  if (!/\bmax-age=[1-9]/.test(cacheControl) || !/\bimmutable\b/.test(cacheControl)) {
    wrong.push(`Cache-Control "${cacheControl}"`);
  }
  if (!isETag(etag) || etag.startsWith('W/')) wrong.push(`ETag "${etag}"`);
  return wrong.map((what) => ({ rule: 'media-headers', detail: `${uri}: ${what}` }));
}

/** Where a transport stream segment's video begins (its audio, where it has none): the lowest PTS, in seconds. */
export function firstTimestamp(body: Uint8Array): number | undefined {
  const lowest = { video: Number.POSITIVE_INFINITY, audio: Number.POSITIVE_INFINITY };
  for (let at = 0; at + PACKET <= body.length; at += PACKET) {
    const packet = body.subarray(at, at + PACKET);
    const begins = (packet[1]! & 0x40) !== 0;
    const payload = 4 + ((packet[3]! & 0x20) !== 0 ? 1 + packet[4]! : 0);
    if (packet[0] !== SYNC_BYTE || !begins || payload + 14 > PACKET) continue;
    const pes = packet.subarray(payload);
    if (pes[0] !== 0 || pes[1] !== 0 || pes[2] !== 1 || (pes[7]! & 0x80) === 0) continue;
    const kind = (pes[3]! & 0xf0) === 0xe0 ? 'video' : (pes[3]! & 0xe0) === 0xc0 ? 'audio' : undefined;
    if (kind !== undefined) lowest[kind] = Math.min(lowest[kind], presentationTime(pes));
  }
  const found = Number.isFinite(lowest.video) ? lowest.video : lowest.audio;
  return Number.isFinite(found) ? found : undefined;
}

/** The 33 bits of a PES header's PTS (ISO/IEC 13818-1 §2.4.3.7), in seconds. */
const presentationTime = (pes: Uint8Array): number =>
  (((pes[9]! >> 1) & 0x07) * 2 ** 30 +
    (pes[10]! << 22) +
    ((pes[11]! >> 1) << 15) +
    (pes[12]! << 7) +
    (pes[13]! >> 1)) /
  90_000;

/** Seconds after which a PTS begins again. */
const PTS_TURN = 2 ** 33 / 90_000;
const TOLERANCE = 0.5;

/** C3: a segment's timestamps go on where those of the one before end. */
export function checkContinues(before: number, duration: number, now: number): readonly Finding[] {
  const hole = ((((now - before - duration) % PTS_TURN) + 1.5 * PTS_TURN) % PTS_TURN) - PTS_TURN / 2;
  if (Math.abs(hole) <= TOLERANCE) return [];
  return [{ rule: 'C3', detail: `timestamps go from ${before} over ${duration} s to ${now}` }];
}
