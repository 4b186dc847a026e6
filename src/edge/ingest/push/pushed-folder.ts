import type { ByteRange } from '../../../hls/segment-needs.ts';
import type { SegmentRecord } from '../../../media/segment-record.ts';
import type { Place } from '../../spool/spool.ts';
import { type OpenSegment, type Sighting, SourceUnreadable } from '../open-segment.ts';
import { type PushPath, pushedPath, pushTarget } from './push-path.ts';
import type { PushedFiles } from './pushed-files.ts';
import type { PushedSegment } from './receive-segment.ts';

/** What a source pushed, as a playlist in one of its folders names it. */
export class PushedFolder {
  readonly #source: string;
  /** With a slash behind each: '' or 'hi/'. */
  readonly #folder: string;

  /** @param playlist what it was pushed as */
  constructor(
    private readonly files: PushedFiles,
    { source, folder }: PushPath,
  ) {
    this.#source = source;
    this.#folder = folder;
  }

  /**
   * The URI by which a playlist here names what is pushed to that target of the edge; undefined where that is none of this
   * source. Throws `SourceUnreadable` where it is, and nothing can be pushed there.
   */
  uriAt(target: string): string | undefined {
    if (/^\/v1\/ingest\/([^/?]*)/.exec(target)?.[1] !== this.#source) return undefined;
    const pushed = pushTarget(target);
    if (pushed === undefined) throw notPushed();
    return this.#folder.replace(/[^/]+\//g, '../') + pushed.folder + pushed.name;
  }

  /** Whether a file can be pushed under that name. */
  mayHave(uri: string): boolean {
    return pushedPath(this.#folder, uri) !== undefined;
  }

  async take(uri: string, encrypted: boolean): Promise<PushedSegment> {
    return this.files.take(this.#path(uri), encrypted);
  }

  keptAs(uri: string, place: Place, record: Promise<SegmentRecord | undefined>): void {
    this.files.keptAs(this.#path(uri), place, record);
  }

  async readSmall(uri: string): Promise<Buffer> {
    return this.files.readSmall(this.#path(uri));
  }

  async open(uri: string, range: ByteRange | undefined): Promise<OpenSegment> {
    return this.files.open(this.#path(uri), range);
  }

  async lookAt(uri: string, range?: ByteRange): Promise<Sighting | undefined> {
    const path = pushedPath(this.#folder, uri);
    return path === undefined ? undefined : this.files.lookAt(path, range);
  }

  #path(uri: string): string {
    const path = pushedPath(this.#folder, uri);
    if (path === undefined) throw notPushed();
    return path;
  }
}

const notPushed = () => new SourceUnreadable('bad_name', 'nothing can be pushed under that name', false);
