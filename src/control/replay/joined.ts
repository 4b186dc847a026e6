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
  for (const segment of segments) yield ownOf(segment, await read(segment));
}

async function* joinedMp4(
  segments: readonly CatalogSegment[],
  read: ReadStored,
): AsyncGenerator<Buffer, void, void> {
  const first = segments[0]!;
  if (first.record.map === undefined) throw impossible('It has no init section.');
  const { joinFragments } = await import('./mp4/join-fragments.ts');
  const init = cutOut(await read(first), partsOf(first.record)[1]!);
  const inputs = segments.map((segment, at) => {
    const input = inputOf(segment, segments[at - 1], read);
    return { ...input, bytes: async () => ownOf(segment, await input.bytes()) };
  });
  yield* joinFragments({
    init,
    inputs,
    seconds: segments.reduce((sum, { record }) => sum + record.duration, 0),
    beginsAtMs: first.record.at,
  });
}

/** The bytes of a segment without what it carries. */
const ownOf = ({ record }: CatalogSegment, kept: Buffer): Buffer => cutOut(kept, partsOf(record)[0]!);

function refuseOther(segments: readonly CatalogSegment[], extension: string): void {
  const { record: first } = segments[0]!;
  if (segments.some(({ record }) => record.keys !== undefined)) {
    throw impossible('It is encrypted, and a file cannot say where its keys are.');
  }
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

/** What a file of such segments is called. */
const kindOf = (extension: string): string => (isFragmentedMp4(extension) ? 'mp4' : extension);

const impossible = (detail: string) => new LiveMixError('download_impossible', detail);
