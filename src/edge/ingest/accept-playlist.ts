import type { MediaPlaylist } from '../../hls/media-playlist.ts';
import { type NeedingSegment, withNeeds } from '../../hls/segment-needs.ts';
import type { GapReason } from '../../media/segment-record.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import { gapTrouble } from '../trouble.ts';
import { freshSegments, type Look } from './fresh-segments.ts';
import { headOfList, withHeadOfList } from './head-of-list.ts';
import type { Ingest } from './ingest.ts';
import type { MediaOrigin } from './media-origin.ts';
import { lookAt } from './open-segment.ts';
import { refusal } from './refusal.ts';
import { Taking } from './taking.ts';

/** What became of a playlist. */
export type Taken = {
  /** Segments that were new and are kept. */
  readonly added: number;
  /** Lines that no segment may have, by number. */
  readonly refused: readonly { readonly line: number; readonly code: GapReason }[];
  /** Where the newest segments are kept; memory while the disk is full. */
  readonly stored: 'spool' | 'memory';
};

/**
 * A new playlist of a rendition: what it adds is read where the encoder keeps it, numbered, stamped and kept,
 * in order. What cannot be read is a gap, not a stop. Playlists of one rendition follow each other.
 */
export function acceptPlaylist(
  ingest: Ingest,
  source: Source,
  rendition: Rendition,
  origin: MediaOrigin,
  playlist: MediaPlaylist,
): Promise<Taken> {
  const entries = withNeeds(playlist);
  const { clock } = ingest;
  const announced = { at: clock.now(), monotonic: clock.monotonic() };
  return rendition.queue.run(async () => {
    const refused = entries.flatMap((entry) => {
      const code = refusal(entry.uri, origin, ingest.allowed);
      return code === undefined ? [] : [{ line: entry.line, code }];
    });
    const look: Look = async (entry) =>
      refusal(entry.uri, origin, ingest.allowed) === undefined
        ? lookAt(origin, entry.uri, ingest.agents, entry.range)
        : undefined;
    const { rivals } = rendition;
    const now = clock.monotonic();
    const back = await rivals.comesBack(entries, look, now, source.targetDuration);
    const known = rendition.known(!back && source.runs.goesOn(rendition));
    const intake = await freshSegments(known, entries, look);
    const taking = new Taking(ingest, source, rendition, origin, playlist, announced);
    switch (intake.kind) {
      case 'nothing':
        ingest.events.playlistAddedNothing(rendition.place);
        if (!source.sending) await tellWhy(source, entries, refused.at(-1)?.code, look);
        break;
      case 'stale':
        rendition.sawStalePlaylist(entries.at(-1)!.sequence);
        ingest.events.playlistStale(rendition.place);
        break;
      case 'continue':
        rendition.sawFreshPlaylist();
        await taking.goOn(
          withHeadOfList(intake.fresh, headOfList(entries, rendition), entries[0]),
          intake.skipped,
        );
        break;
      case 'run':
        if (intake.rewrote !== undefined) rendition.forgetFile(intake.rewrote);
        rivals.opened(back);
        await taking.openRun(intake.fresh);
        break;
    }
    const { run } = rendition.known(true);
    if (run !== undefined && intake.kind !== 'stale') rivals.fed(run.newest, run.segments, now);
    if (playlist.endList) rendition.endRun();
    return { added: taking.added, refused, stored: taking.stored };
  });
}

/** A source of which nothing is taken in, although its encoder sends playlists, says so. */
async function tellWhy(
  source: Source,
  entries: readonly NeedingSegment[],
  refused: GapReason | undefined,
  look: Look,
): Promise<void> {
  const newest = entries.at(-1);
  const isMissing = newest !== undefined && (await look(newest)) === undefined;
  const reason = refused ?? (isMissing ? 'missing_at_source' : undefined);
  if (reason !== undefined) source.inTrouble(gapTrouble(reason));
}
