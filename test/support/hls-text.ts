/** The body at a URL. */
export const textOf = async (url: string): Promise<string> => (await fetch(url)).text();

/** The number behind `#EXT-X-{name}:`. */
export const tagOf = (playlist: string, name: string): number =>
  Number(new RegExp(`#EXT-X-${name}:(\\d+)`).exec(playlist)?.[1]);

/** The discontinuity sequence of each segment, by its media sequence number (RFC 8216 §6.2.2). */
export function discontinuitiesOf(playlist: string): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let discontinuity = tagOf(playlist, 'DISCONTINUITY-SEQUENCE');
  let sequence = tagOf(playlist, 'MEDIA-SEQUENCE');
  for (const line of playlist.split('\n')) {
    if (line === '#EXT-X-DISCONTINUITY') discontinuity += 1;
    if (line !== '' && !line.startsWith('#')) found.set(sequence++, discontinuity);
  }
  return found;
}
