import type { ByteRange } from '../../../hls/segment-needs.ts';
import type { SegmentRecord } from '../../../media/segment-record.ts';
import type { Place } from '../../spool/spool.ts';
import { type OpenSegment, type Sighting, SourceUnreadable } from '../open-segment.ts';
import { pushedPath } from './push-path.ts';
import type { PushedFiles } from './pushed-files.ts';
import type { PushedSegment } from './receive-segment.ts';

/** What a source pushed, as a playlist in one of its folders names it. */
export class PushedFolder {
  /** @param folder with a slash behind each: '' or 'hi/' */
  constructor(
    private readonly files: PushedFiles,
    private readonly folder: string,
  ) {}

  /** Whether a file can be pushed under that name. */
  mayHave(uri: string): boolean {
    return pushedPath(this.folder, uri) !== undefined;
  }

  has(uri: string): boolean {
    const path = pushedPath(this.folder, uri);
    return path !== undefined && this.files.has(path);
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
    const path = pushedPath(this.folder, uri);
    return path === undefined ? undefined : this.files.lookAt(path, range);
  }

  #path(uri: string): string {
    const path = pushedPath(this.folder, uri);
    if (path === undefined) throw new SourceUnreadable('bad_name', 'nothing of that name is pushed', false);
    return path;
  }
}
