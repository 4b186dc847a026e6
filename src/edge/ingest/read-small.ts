import type { ByteRange } from '../../hls/segment-needs.ts';
import type { Bytes } from '../../media/units.ts';
import type { Ingest } from './ingest.ts';
import type { MediaOrigin } from './media-origin.ts';
import { type HttpAgents, openSegment, SourceUnreadable } from './open-segment.ts';
import { type Announced, tryAgain } from './read-segment.ts';

/**
 * Reads an init section or a key as a whole. Rejects with `SourceUnreadable`.
 * @param faultOf why the content is not what it should be; undefined where it is
 */
export function readSmall(
  origin: MediaOrigin,
  name: string,
  range: ByteRange | undefined,
  max: Bytes,
  announced: Announced,
  { clock, agents }: Ingest,
  faultOf: (content: Buffer) => string | undefined = () => undefined,
): Promise<Buffer> {
  return tryAgain(clock, announced, async () => {
    const content = await readOnce(origin, name, range, max, agents);
    const fault = faultOf(content);
    if (fault !== undefined) throw new SourceUnreadable('truncated_at_source', fault, true);
    return content;
  });
}

async function readOnce(
  origin: MediaOrigin,
  name: string,
  range: ByteRange | undefined,
  max: Bytes,
  agents: HttpAgents,
): Promise<Buffer> {
  if (origin.kind === 'pushed' && range === undefined)
    return refuseLarge(await origin.files.readSmall(name), max);
  if (range !== undefined && range.length > max) throw tooLarge();
  if (origin.kind !== 'pushed' && origin.beside?.has(name) === true)
    return refuseLarge(partOf(await origin.beside.readSmall(name), range), max);
  const opened = await openSegment(origin, name, agents, range);
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of opened.chunks()) {
      size += chunk.length;
      if (size > max) throw tooLarge();
      chunks.push(Buffer.from(chunk));
    }
    if (size === 0 || size < opened.sighting.bytes || !(await opened.unchanged())) {
      throw new SourceUnreadable('truncated_at_source', 'the init section or key is not whole', true);
    }
    return Buffer.concat(chunks);
  } finally {
    await opened.close();
  }
}

const partOf = (whole: Buffer, range: ByteRange | undefined): Buffer =>
  range === undefined ? whole : whole.subarray(range.offset, range.offset + range.length);

function refuseLarge(content: Buffer, max: Bytes): Buffer {
  if (content.length > max) throw tooLarge();
  return content;
}

const tooLarge = () => new SourceUnreadable('too_large', 'the init section or key is too large', false);
