import type { Seconds } from '../media/units.ts';

/** A segment as an encoder lists it. */
export type ListedSegment = { readonly name: string; readonly duration: Seconds };

/** A live media playlist (RFC 8216) as `ffmpeg -f hls` prints it. `first` is the number of its first segment. */
export function cameraPlaylist(first: number, segments: readonly ListedSegment[]): string {
  const target = Math.max(1, ...segments.map((segment) => Math.round(segment.duration)));
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${target}`,
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
    ...segments.flatMap(({ name, duration }) => [`#EXTINF:${duration.toFixed(6)},`, name]),
  ];
  return `${lines.join('\n')}\n`;
}
