/** Why there is a gap: a few words, and a sentence. What is not in this table is shown by its own words. */
const REASONS: Readonly<Record<string, readonly [word: string, sentence: string]>> = {
  source_silent: ['The encoder was silent', 'It made no video in this time, so nothing is lost.'],
  beyond_spool: ['Too far back', 'The edge no longer had video from that long ago.'],
  spool_lost: ['The edge lost its storage', 'What waited there had not been sent yet.'],
  spool_full: ['The edge was full', 'It had no room to keep video until it could be sent.'],
  spool_corrupt: ['Damaged on the edge', 'The stored video was no longer what it had been.'],
  edge_restarted: ['The edge restarted', 'What arrived meanwhile was not taken in.'],
  edge_lost: ['The edge did not come back', 'It was waited for as long as the settings say.'],
  object_lost: ['Lost in the store', 'The stored video is gone or damaged.'],
  source_skipped: ['The encoder skipped', 'Its numbers went on without some segments.'],
  truncated_at_source: ['Cut off at the encoder', 'The segment was empty or not whole when it was read.'],
  missing_at_source: ['Missing at the encoder', 'The segment was announced, but was not there.'],
  unreadable_at_source: ['Unreadable at the encoder', 'The edge could not read the segment.'],
  name_reused: ['A file name came twice', 'The earlier segment of that name was overwritten.'],
  too_large: ['Too large', 'The segment was larger than an edge takes.'],
  too_long: ['Too long', 'The segment was longer than an edge takes.'],
  bad_name: ['A name that is not taken', 'The segment did not have a plain file name.'],
  origin_not_allowed: ['Not allowed', 'The edge may not read where the segment was.'],
};

export function gapReason(reason: string): { readonly word: string; readonly sentence: string } {
  const [word, sentence] = REASONS[reason] ?? [sentenceCase(reason.replaceAll('_', ' ')), ''];
  return { word: word || 'Not known why', sentence };
}

const sentenceCase = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
