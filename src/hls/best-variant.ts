import { parseAttributes } from './attributes.ts';
import { readMultivariantPlaylist } from './parse-multivariant.ts';

export type BestVariant = {
  /** Of its media playlist. */
  readonly uri: string;
  /** Media playlists that hold its sound or other pictures apart from it. */
  readonly apart: readonly string[];
};

/** The variant of a rendered multivariant playlist with the highest BANDWIDTH. */
export function bestVariant(text: string): BestVariant | undefined {
  const entries = readMultivariantPlaylist(text).entries.map(({ kind, tag, uri }) => ({
    kind,
    uri,
    attributes: parseAttributes(tag.slice(tag.indexOf(':') + 1)) ?? new Map(),
  }));
  const bandwidth = ({ attributes }: (typeof entries)[number]) => Number(attributes.get('BANDWIDTH')?.value);
  const [best] = entries
    .filter(({ kind, uri }) => kind === 'variant' && uri !== undefined)
    .sort((a, b) => bandwidth(b) - bandwidth(a));
  if (best === undefined) return undefined;
  const apart = entries.filter(({ kind, uri, attributes }) => {
    const type = attributes.get('TYPE')?.value;
    const isNamed = best.attributes.get(type ?? '')?.value === attributes.get('GROUP-ID')?.value;
    return kind === 'rendition' && uri !== undefined && type !== 'SUBTITLES' && isNamed;
  });
  return {
    uri: best.uri!,
    apart: [...new Set(apart.map(({ uri }) => uri!))].filter((uri) => uri !== best.uri),
  };
}
