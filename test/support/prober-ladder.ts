import type { Prober } from './prober.ts';
import { type ProbedPlaylist, readAttributes, tagName, tagValue } from './prober-playlist.ts';

export type LadderFinding = { readonly rule: 'V1' | 'V2' | 'V3'; readonly detail: string };

const attributesOf = (line: string): ReadonlyMap<string, string> =>
  new Map([...readAttributes(tagValue(line)).attributes].map(([name, { value }]) => [name, value]));

/** Attributes of a variant that name groups of renditions. */
const GROUPS = ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'];

/** What a multivariant playlist breaks by itself (`hls-rules.md` V1, V3). */
export function checkLadder(text: string): readonly LadderFinding[] {
  const findings: LadderFinding[] = [];
  const note = (rule: LadderFinding['rule'], detail: string) => findings.push({ rule, detail });
  const lines = text.split('\n');
  const members = new Map<string, ReadonlyMap<string, string>[]>();
  for (const line of lines) {
    if (tagName(line) !== '#EXT-X-MEDIA') continue;
    const attributes = attributesOf(line);
    const group = `${attributes.get('TYPE')} ${attributes.get('GROUP-ID')}`;
    members.set(group, [...(members.get(group) ?? []), attributes]);
    if (attributes.get('DEFAULT') === 'YES' && attributes.get('AUTOSELECT') === 'NO')
      note('V3', `${line} is the default and may not be selected`);
  }
  for (const [group, all] of members) {
    const names = all.map((attributes) => attributes.get('NAME'));
    if (new Set(names).size < names.length) note('V3', `two of group ${group} have one NAME`);
    if (all.filter((attributes) => attributes.get('DEFAULT') === 'YES').length > 1)
      note('V3', `group ${group} has two defaults`);
  }
  for (const [at, line] of lines.entries()) {
    if (tagName(line) !== '#EXT-X-STREAM-INF') continue;
    const attributes = attributesOf(line);
    if (!(Number(attributes.get('BANDWIDTH')) > 0)) note('V1', `${line} has no BANDWIDTH`);
    if (/^(#.*)?$/.test(lines[at + 1] ?? '')) note('V1', `${line} has no URI`);
    for (const type of GROUPS) {
      const id = attributes.get(type);
      if (id !== undefined && id !== 'NONE' && !members.has(`${type} ${id}`))
        note('V3', `${line} names the group ${type} ${id}, which there is not`);
    }
  }
  return findings;
}

/** Matching segments of renditions are apart by less than this: sound is cut where its frames end. */
const APART_AT_MOST_MS = 250;

/** Whether renditions agree (V2): on the target duration, and on discontinuity and time of the segments that both list. */
export function checkInStep(renditions: ReadonlyMap<string, Prober>): readonly LadderFinding[] {
  const findings: LadderFinding[] = [];
  const [first, ...others] = [...renditions].flatMap(([name, { playlist }]) =>
    playlist === undefined ? [] : [{ name, playlist }],
  );
  for (const other of others) {
    const pair = `${first!.name} and ${other.name}`;
    const note = (detail: string) => findings.push({ rule: 'V2', detail: `${pair}: ${detail}` });
    const both = matching(first!.playlist, other.playlist);
    if (both.length === 0) continue;
    // A list that is asked for later may have raised it: then it lists more.
    const areEquallyNew =
      first!.playlist.segments.at(-1)!.sequence === other.playlist.segments.at(-1)!.sequence;
    if (areEquallyNew && first!.playlist.targetDuration !== other.playlist.targetDuration)
      note(`target durations ${first!.playlist.targetDuration} and ${other.playlist.targetDuration}`);
    for (const [a, b] of both) {
      if (a.discontinuitySequence !== b.discontinuitySequence)
        note(`${a.sequence} has discontinuity ${a.discontinuitySequence} and ${b.discontinuitySequence}`);
      const apart = Math.abs(Date.parse(a.dateTime ?? '') - Date.parse(b.dateTime ?? ''));
      if (!(apart <= APART_AT_MOST_MS)) note(`${a.sequence} begins at ${a.dateTime} and ${b.dateTime}`);
    }
  }
  return findings;
}

const matching = (one: ProbedPlaylist, other: ProbedPlaylist) =>
  one.segments.flatMap((segment) => {
    const same = other.segments.find(({ sequence }) => sequence === segment.sequence);
    return same === undefined ? [] : [[segment, same] as const];
  });
