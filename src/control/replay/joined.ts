import type { CatalogSegment } from '../../catalog/catalog.ts';
import { cutOut, partsOf } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import { isFragmentedMp4 } from '../../media/segment-record.ts';
import { inputOf, type ReadStored } from './stored-input.ts';

/**
 * The segments of a recording as one file, one segment in memory at a time: MPEG-TS, packed audio and WebVTT as they are,
 * one behind the other; fMP4 with its times moved to begin at 0. Throws `download_impossible` with the reason where that is no
 * file of this kind.
 */
export function join(
  segments: readonly CatalogSegment[],
  extension: string,
  read: ReadStored,
): AsyncGenerator<Buffer, void, void> {
  refuseOther(segments, extension);
  return isFragmentedMp4(extension) ? joinedMp4(segments, read) : joined(segments, read);
}

async function* joined(
  segments: readonly CatalogSegment[],
  read: ReadStored,
): AsyncGenerator<Buffer, void, void> {
  for (const segment of segments) {
    const kept = await read(segment);
    if (kept !== undefined) yield ownOf(segment, kept);
  }
}

async function* joinedMp4(
  segments: readonly CatalogSegment[],
  read: ReadStored,
): AsyncGenerator<Buffer, void, void> {
  const found = await firstThere(segments, read);
  if (found === undefined) return;
  const { kept, at } = found;
  const left = segments.slice(at);
  const { record } = left[0]!;
  if (record.map === undefined) throw impossible('It has no init section.');
  const { joinFragments } = await import('./mp4/join-fragments.ts');
  const init = cutOut(kept, partsOf(record)[1]!);
  const inputs = left.map((segment, index) => ({
    ...inputOf(segment, left[index - 1], read),
    bytes: async () => {
      const bytes = index === 0 ? kept : await read(segment);
      return bytes && ownOf(segment, bytes);
    },
  }));
  yield* joinFragments({
    init,
    inputs,
    seconds: left.reduce((sum, each) => sum + each.record.duration, 0),
    beginsAtMs: record.at,
  });
}

async function firstThere(
  segments: readonly CatalogSegment[],
  read: ReadStored,
): Promise<{ readonly kept: Buffer; readonly at: number } | undefined> {
  for (const [at, segment] of segments.entries()) {
    const kept = await read(segment);
    if (kept !== undefined) return { kept, at };
  }
  return undefined;
}

/** The bytes of a segment without what it carries. */
const ownOf = ({ record }: CatalogSegment, kept: Buffer): Buffer => cutOut(kept, partsOf(record)[0]!);

function refuseOther(segments: readonly CatalogSegment[], extension: string): void {
  const { record: first } = segments[0]!;
  if (isEncrypted(segments)) throw encrypted();
  const kinds = new Set(segments.map(({ record }) => kindOf(record.extension)));
  if (kinds.size > 1) throw impossible(`It is of several kinds: ${[...kinds].join(', ')}.`);
  const [kind] = kinds;
  if (kind !== extension) throw impossible(`It is of another kind: download it as .${kind}.`);
  if (segments.some(({ record }) => record.carries?.[0]?.digest !== first.carries?.[0]?.digest)) {
    throw impossible('Its init section changes in the middle: its encoder was set up anew.');
  }
  if (kind === 'mp4' && segments.some(({ record }, at) => at > 0 && record.discontinuity)) {
    throw impossible('Its time begins anew in the middle: its encoder was restarted.');
  }
}

export const isEncrypted = (segments: readonly CatalogSegment[]): boolean =>
  segments.some(({ record }) => record.keys !== undefined);

export const encrypted = () =>
  new LiveMixError('download_impossible', 'It is encrypted, and a file cannot say where its keys are.', {
    hint: 'Play its index.m3u8.',
  });

/** What a file of such segments is called. */
const kindOf = (extension: string): string => (isFragmentedMp4(extension) ? 'mp4' : extension);

const impossible = (detail: string) => new LiveMixError('download_impossible', detail);
