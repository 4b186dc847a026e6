import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { renderMediaPlaylist } from '../hls/render.ts';
import { type Carried, carriedFileName, segmentFileName } from '../media/carried.ts';
import type { SegmentRecord } from '../media/segment-record.ts';

/** A playlist as it is sent, made once for all its viewers. */
export type RenderedPlaylist = {
  readonly text: Buffer;
  /** Made when the first viewer asks for it. */
  readonly gzip: () => Buffer;
  readonly etag: string;
  /** Names and values of what every answer with it carries, in turns. */
  readonly headers: readonly string[];
};

/** RFC 8216 §4. */
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/** Where the segments of a rendition are, seen from any playlist: all lie two folders deep. */
export const segmentFolder = (source: string, rendition: string): string => `../../m/${source}/${rendition}/`;

/** A media playlist of a source's rendition. */
export function renderLive(
  source: string,
  rendition: string,
  list: readonly SegmentRecord[],
): RenderedPlaylist {
  const folder = segmentFolder(source, rendition);
  const urls = {
    segment: (record: SegmentRecord) => folder + segmentFileName(record),
    carried: (carried: Carried) => folder + carriedFileName(carried),
  };
  const text = Buffer.from(renderMediaPlaylist(list, urls));
  let zipped: Buffer | undefined;
  return asSent(text, list.at(-1)?.targetDuration ?? 0, () => {
    zipped ??= gzipSync(text, { level: 6 });
    return zipped;
  });
}

/** The playlist that names a source's renditions. It changes with its encoder, so nobody keeps it for long. */
export function multivariantAsSent(text: string): RenderedPlaylist {
  const body = Buffer.from(text);
  let zipped: Buffer | undefined;
  return asSent(body, 0, () => {
    zipped ??= gzipSync(body, { level: 6 });
    return zipped;
  });
}

/** A playlist's text with what every answer with it carries. `gzip`: the same text, packed. */
export function asSent(text: Buffer, targetDuration: number, gzip: () => Buffer): RenderedPlaylist {
  const maxAge = Math.floor(targetDuration / 2);
  const etag = `"${hash('sha1', text, 'base64url').slice(0, 16)}"`;
  return {
    text,
    gzip,
    etag,
    headers: [
      ...['Content-Type', PLAYLIST_TYPE, 'ETag', etag],
      // At most half a target duration (rfc8216bis App. B.1).
      ...['Cache-Control', maxAge > 0 ? `public, max-age=${maxAge}` : 'no-cache'],
      ...['Access-Control-Allow-Origin', '*', 'Vary', 'Accept-Encoding'],
    ],
  };
}
