import type { CatalogSegment } from '../../catalog/catalog.ts';
import { cutOut, ownBytes, partNamed, segmentFileName } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import { isFragmentedMp4 } from '../../media/segment-record.ts';
import { type Bytes, bytes } from '../../media/units.ts';
import type { ReadStored } from './download.ts';

/** A recording whose segments, one behind the other, are one file. */
export type Joined = { readonly bytes: Bytes; readonly content: AsyncIterable<Buffer> };

/**
 * The segments of a recording as one file: MPEG-TS, packed audio and WebVTT as they are, fMP4 behind its one init section.
 * Throws `download_impossible` with the reason where that is no file of this kind.
 */
export function join(segments: readonly CatalogSegment[], extension: string, read: ReadStored): Joined {
  refuseOther(segments, extension);
  const first = segments[0]!;
  const init = first.record.map === undefined ? undefined : first.record.carries![0]!;
  const own = segments.reduce((sum, { record }) => sum + ownBytes(record).bytes, 0);
  return {
    bytes: bytes(own + (init?.bytes ?? 0)),
    content: joined(segments, read),
  };
}

async function* joined(segments: readonly CatalogSegment[], read: ReadStored): AsyncGenerator<Buffer> {
  for (const [at, segment] of segments.entries()) {
    const kept = await read(segment);
    const { record } = segment;
    if (record.carries === undefined) {
      yield kept;
      continue;
    }
    const own = cutOut(kept, partNamed(record, segmentFileName(record))!);
    if (at === 0) yield kept.subarray(own.length, own.length + record.carries[0]!.bytes);
    yield own;
  }
}

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
