import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordForTest } from '../media/record-for-test.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import { bytes, epochMs } from '../media/units.ts';
import { parseAttributes, renderAttributes } from './attributes.ts';
import { parseDateTime, renderDateTime } from './date-time.ts';
import { lastingRanges } from './lasting-ranges.ts';
import type { MediaPlaylist } from './media-playlist.ts';
import type { MultivariantPlaylist } from './multivariant-playlist.ts';
import { anyMultivariant } from './multivariants-for-test.ts';
import { parseMediaPlaylist, parsePlaylist } from './parse.ts';
import {
  anyMediaPlaylist,
  type ModelKey,
  type ModelPlaylist,
  timesOf,
  writeModel,
} from './playlists-for-test.ts';
import { type MediaUrls, renderMediaPlaylist } from './render.ts';
import { multivariantRenditions, renderMultivariant, withOnly } from './render-multivariant.ts';
import { type NeedingSegment, withNeeds } from './segment-needs.ts';

const RUNS = 10_000;
const WITHIN = 60_000;

/** `expect` alone costs more than what is tested. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

const ivOf = (sequence: number) => `,IV=0x${sequence.toString(16).padStart(32, '0')}`;

/** What a playlist's lines mean for each segment, said again in the simplest way. */
function meaning(playlist: ModelPlaylist) {
  const times = timesOf(playlist);
  let map: { line: string; uri: string; keys: readonly ModelKey[] } | undefined;
  let keys: readonly ModelKey[] = [];
  let bitrate: string | undefined;
  return playlist.segments.map((segment, at) => {
    const sequence = playlist.mediaSequence + at;
    for (const one of segment.lines) {
      if (one.kind === 'map') map = { line: one.line, uri: one.uri, keys };
      if (one.kind === 'bitrate') bitrate = one.text;
      if (one.kind === 'key') {
        const { key } = one;
        keys = key === undefined ? [] : [...keys.filter(({ format }) => format !== key.format), key];
      }
    }
    const named = (all: readonly ModelKey[]) =>
      all.map(({ line, uri, passes, leansOnNumber }) => ({
        line: line + (leansOnNumber ? ivOf(sequence) : ''),
        uri,
        ...(passes && { passes }),
      }));
    const range = segment.lines.find(({ kind }) => kind === 'range');
    return {
      sequence,
      uri: segment.uri,
      duration: segment.duration,
      ...(segment.title !== undefined && { title: segment.title }),
      discontinuity: segment.discontinuity,
      gap: segment.gap,
      tags: [
        ...(bitrate !== undefined && range === undefined ? [bitrate] : []),
        ...segment.lines.filter(({ kind }) => kind === 'tag').map(({ text }) => text),
      ],
      ...(times[at] !== undefined && { programDateTime: times[at] }),
      ...(range?.kind === 'range' && { range: { offset: range.offset, length: range.length } }),
      ...(map !== undefined && { map: { line: map.line, uri: map.uri, keys: named(map.keys) } }),
      ...(keys.length > 0 && { keys: named(keys) }),
      ...(playlist.head.length > 0 && { head: playlist.head }),
    };
  });
}

/** The URI of what is carried is its digest, so that it is the same when it is read again. */
const urls: MediaUrls = { segment: ({ digest }) => digest, carried: ({ digest }) => digest };

/** The records that an edge would make of these entries. `ahead`: of its clock before the encoder's, in ms. */
function recordsOf(entries: readonly NeedingSegment[], first: number, ahead = 0): SegmentRecord[] {
  let end = 0;
  let before: Pick<SegmentRecord, 'at' | 'ranges'> | undefined;
  let discontinuitySequence = first;
  return entries.map((entry) => {
    const carries: string[] = [];
    const named = (needed: { line: string; uri: string; passes?: true }) => {
      if (needed.passes) return needed.line.replace('{}', () => needed.uri);
      const at = carries.includes(needed.uri) ? carries.indexOf(needed.uri) : carries.push(needed.uri) - 1;
      return needed.line.replace('{}', `{${at}}`);
    };
    const { map, keys, tags, head, duration, title, discontinuity } = entry;
    const at = epochMs(entry.programDateTime === undefined ? end : entry.programDateTime + ahead);
    const ranges = lastingRanges(entry, before, at);
    before = { at, ranges };
    end = at + Math.round(duration * 1000);
    if (discontinuity) discontinuitySequence += 1;
    const needs = entry.gap
      ? { gap: 'missing_at_source' as const }
      : {
          ...(map !== undefined && { map: { line: named(map), keys: map.keys.map(named) } }),
          ...(keys !== undefined && { keys: keys.map(named) }),
        };
    return recordForTest(entry.sequence, {
      at,
      duration,
      ...(title !== undefined && { title }),
      discontinuity,
      discontinuitySequence,
      targetDuration: 20,
      digest: entry.uri,
      ...needs,
      carries: carries.map((digest) => ({ sequence: 1, digest, bytes: bytes(1), extension: 'x' })),
      ...(ranges.length > 0 && { ranges }),
      ...(tags.length > 0 && { tags }),
      ...(head !== undefined && { head }),
    });
  });
}

/** Behind a segment whose rate is told each has one: its encoder's, that of what was read, of a gap what is in force. */
function rated(records: readonly SegmentRecord[]): readonly (readonly string[])[] {
  let rate: string | undefined;
  return records.map(({ tags = [], gap, bytes: size, duration }) => {
    const told = tags.find((tag) => /^#EXT-X-BITRATE:\d+$/.test(tag));
    const read = `#EXT-X-BITRATE:${Math.max(1, Math.round((size * 8) / duration / 1000))}`;
    if (told === undefined && rate === undefined) return tags;
    rate = told ?? (gap === undefined ? read : rate);
    return [rate!, ...tags.filter((tag) => tag !== told)];
  });
}

/** What must come through: of media that was never got, the lines it needs need not. */
const kept = (entries: readonly NeedingSegment[]) =>
  entries.map(({ line, range, programDateTime, begins, told, map, keys = [], ...rest }) => ({
    ...rest,
    ranges: [...(rest.ranges ?? [])].sort(),
    ...(!rest.gap && {
      map: map && { ...map, keys: map.keys.map(({ line, uri }) => `${line} ${uri}`).sort() },
      keys: keys.map(({ line, uri }) => `${line} ${uri}`).sort(),
    }),
  }));

test('an encoder’s media playlist is read as what it says, keeps every line it must when it is served, and says the same then', {
  timeout: WITHIN,
}, () => {
  fc.assert(
    fc.property(anyMediaPlaylist, fc.constantFrom(0, 5_000, -3_000), (model, ahead) => {
      const playlist = readAsItSays(model);
      if (model.segments.length === 0) return;
      const first = withNeeds(playlist);
      const records = recordsOf(first, model.discontinuitySequence, ahead);
      const text = renderMediaPlaylist(records, urls);
      const again = parseMediaPlaylist(text);
      const second = withNeeds(again);
      const rates = rated(records);
      const served = first.map((entry, at) => {
        const { ranges = [] } = records[at]!;
        return { ...entry, ranges, tags: rates[at]! };
      });
      same(kept(second), kept(served));
      const times = second.map(({ programDateTime }) => programDateTime);
      same(
        times,
        records.map(({ at }) => at),
      );
      same([again.discontinuitySequence, again.endList], [model.discontinuitySequence, false]);
      same(renderMediaPlaylist(recordsOf(second, again.discontinuitySequence), urls), text);
    }),
    { numRuns: RUNS },
  );
});

function readAsItSays(model: ModelPlaylist): MediaPlaylist {
  const text = writeModel(model);
  const playlist = parsePlaylist(text);
  if (playlist.kind !== 'media') throw new Error('it was taken for a multivariant one');
  same(
    [playlist.mediaSequence, playlist.discontinuitySequence, playlist.targetDuration, playlist.endList],
    [model.mediaSequence, model.discontinuitySequence, model.targetDuration, model.endList],
  );
  const lines = text.split(/\r?\n/);
  for (const { line, uri } of playlist.segments) same(lines[line - 1], uri);
  const read = withNeeds(playlist).map(({ line, ranges, told, begins, ...rest }) => rest);
  same(read, meaning(model));
  return playlist;
}

test('a multivariant playlist is written as it was read, with other URIs, and with only what there is', {
  timeout: WITHIN,
}, () => {
  fc.assert(
    fc.property(anyMultivariant, fc.nat(2 ** 12), (lines, lacks) => {
      const text = `${lines.join('\n')}\n`;
      const playlist = readMultivariant(text);
      same(
        renderMultivariant(playlist, (uri) => uri),
        text,
      );
      const moved = renderMultivariant(playlist, (uri) => `$&/${uri}`);
      const uris = multivariantRenditions(text);
      same(
        multivariantRenditions(moved),
        uris.map((uri) => `$&/${uri}`),
      );
      same(
        renderMultivariant(readMultivariant(moved), (uri) => uri.slice(3)),
        text,
      );
      namesOnly(text, new Set(uris.filter((_, at) => (lacks & (1 << at)) === 0)));
    }),
    { numRuns: RUNS },
  );
});

function readMultivariant(text: string): MultivariantPlaylist {
  const playlist = parsePlaylist(text);
  if (playlist.kind !== 'multivariant') throw new Error('it was taken for a media playlist');
  return playlist;
}

/** Only what there is stands in it, and no variant names a group that does not. */
function namesOnly(text: string, there: ReadonlySet<string>): void {
  const only = withOnly(text, (uri) => there.has(uri));
  const left = readMultivariant(text).entries.filter(({ uri }) => uri === undefined || there.has(uri));
  if (!left.some(({ kind }) => kind === 'variant')) {
    same(only, undefined);
    return;
  }
  const { entries } = readMultivariant(only!);
  const groupless = (all: typeof entries) =>
    all.map(({ kind, uri, tag }) => ({ kind, uri, tag: tag.replace(GROUPS, '') }));
  same(groupless(entries), groupless(left));
  const groups = new Set(
    entries.map(({ tag }) => {
      const found = /^#EXT-X-MEDIA:TYPE=([A-Z-]+),.*?GROUP-ID=("[^"]*")/.exec(tag);
      return found && `,${found[1]}=${found[2]}`;
    }),
  );
  const named = entries
    .filter(({ kind }) => kind !== 'rendition')
    .flatMap(({ tag }) => tag.match(GROUPS) ?? []);
  for (const name of named) same(groups.has(name), true);
  same(
    withOnly(only!, (uri) => there.has(uri)),
    only,
  );
}

const GROUPS = /,(AUDIO|VIDEO|SUBTITLES|CLOSED-CAPTIONS)="[^"]*"/g;

test('a moment that is written is read again, in every zone and with every precision', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 8e12 }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      fc.boolean(),
      fc.nat(999_999),
      (moment, zone, colon, micro) => {
        same(parseDateTime(renderDateTime(epochMs(moment))), moment);
        const local = new Date(moment + zone * 60_000).toISOString().slice(0, -1);
        const [hours, minutes] = [Math.trunc(Math.abs(zone) / 60), Math.abs(zone) % 60].map((one) =>
          String(one).padStart(2, '0'),
        );
        const text = `${local}${String(micro).padStart(6, '0')}${zone < 0 ? '-' : '+'}${hours}${colon ? ':' : ''}${minutes}`;
        if (/^\d{4}-/.test(text)) same(parseDateTime(text), moment);
      },
    ),
    { numRuns: RUNS },
  );
});

test('an attribute list that is written is read again', () => {
  const value = fc.oneof(
    fc.stringMatching(/^[^"\r\n]{0,12}$/).map((text) => ({ value: text, quoted: true })),
    fc.stringMatching(/^[A-Za-z0-9.x@-]{1,12}$/).map((text) => ({ value: text, quoted: false })),
  );
  const list = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[A-Z0-9-]{1,8}$/), value), {
    maxLength: 6,
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(list, (all) => same([...parseAttributes(renderAttributes(new Map(all)))!], all)),
    { numRuns: RUNS },
  );
});
