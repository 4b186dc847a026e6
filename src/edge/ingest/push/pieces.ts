import { MIB } from '../../../media/units.ts';
import { isDiskFull, type StagedSegment } from '../../spool/spool.ts';
import { MemorySink } from '../read-segment.ts';

export type PieceSink = StagedSegment | MemorySink;

type Piece = { readonly begin: number; sink: PieceSink };

/** A piece out of which all was cut is followed by another from this size on, in bytes. */
const PIECE_BYTES = 2 * MIB;
/** So many bytes stay behind what was cut out: another rendition may have parts of them, a little later. */
const KEPT_BEHIND = 8 * MIB;

/**
 * What has come of a pushed file, where it lies. It is one piece, as a segment is. A file out of which segments are cut while
 * it comes goes on for as long as its encoder: it gets more pieces, and the oldest go.
 */
export class Pieces {
  readonly #pieces: Piece[] = [];
  #end = 0;
  #cutThrough = 0;
  #isSplit = false;

  constructor(
    private readonly openSink: () => Promise<PieceSink>,
    private readonly maxSegmentBytes: number,
  ) {}

  /** How many bytes have come, the dropped ones included. */
  get end(): number {
    return this.#end;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#end - (this.#pieces[0]?.begin ?? this.#end);
  }

  /** It has several pieces, or had: it is no single segment. */
  get isSplit(): boolean {
    return this.#isSplit;
  }

  /** Rejects when neither disk nor memory takes them. Bytes that are there already move to memory when the disk is full. */
  async write(chunks: readonly Buffer[]): Promise<void> {
    const piece = await this.#pieceToFill();
    try {
      await piece.sink.write(...chunks);
    } catch (error) {
      if (!isDiskFull(error) || piece.sink instanceof MemorySink) throw error;
      piece.sink = await movedToMemory(piece.sink, this.#end - piece.begin);
      await piece.sink.write(...chunks);
    }
    for (const chunk of chunks) this.#end += chunk.length;
  }

  /** Bytes from there on: at least one, at most `most`. Rejects when they are not kept any more. */
  async read(begin: number, most: number): Promise<Buffer> {
    const at = this.#pieces.findLastIndex((piece) => piece.begin <= begin);
    const piece = this.#pieces[at];
    if (piece === undefined || begin >= this.#end) throw new Error('these bytes are not kept');
    const end = Math.min(this.#pieces[at + 1]?.begin ?? this.#end, begin + most);
    return piece.sink.read(begin - piece.begin, end - begin);
  }

  /** A segment was cut out that ended there: what lies far behind goes. */
  async cutThrough(end: number): Promise<void> {
    this.#cutThrough = Math.max(this.#cutThrough, end);
    while (this.#pieces.length > 1 && this.#pieces[1]!.begin <= this.#cutThrough - KEPT_BEHIND)
      await this.#pieces.shift()!.sink.discard();
  }

  /** Where the only piece lies; it is opened where nothing has come. */
  async only(): Promise<PieceSink> {
    return (await this.#pieceToFill()).sink;
  }

  async discard(): Promise<void> {
    for (const { sink } of this.#pieces.splice(0)) await sink.discard();
  }

  async #pieceToFill(): Promise<Piece> {
    const last = this.#pieces.at(-1);
    if (last !== undefined && !this.#isFull(this.#end - last.begin)) return last;
    if (last !== undefined) this.#isSplit = true;
    const piece = { begin: this.#end, sink: await this.openSink() };
    this.#pieces.push(piece);
    return piece;
  }

  #isFull(size: number): boolean {
    if (this.#cutThrough === 0) return false;
    return size >= this.maxSegmentBytes || (size >= PIECE_BYTES && this.#cutThrough === this.#end);
  }
}

async function movedToMemory(staged: StagedSegment, size: number): Promise<MemorySink> {
  const sink = new MemorySink();
  await sink.write((await staged.content()).subarray(0, size));
  await staged.discard();
  return sink;
}
