// What a playlist costs an edge and a control node: to read it, to tell what is new in it, to write the list that is
// served. 10 entries as ever, 1,000 as in a long window; beside it hls-parser. And what a MiB of playlist costs.
import * as HLS from 'hls-parser';
import { freshSegments } from '../dist/edge/ingest/fresh-segments.js';
import { parsePlaylist } from '../dist/hls/parse.js';
import { withNeeds } from '../dist/hls/segment-needs.js';
import { renderLive } from '../dist/serve/rendered-playlist.js';
import { median, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';

const ROUNDS = 15;
const ROUND_MS = 100;
const GOAL_US = { 10: 20, 1000: 1_000 };
const GOAL_RATIO = 40;

const rows = [['', 'bytes', 'µs', 'µs at best', 'µs/entry']];
const goals = [];
const figures = {};
for (const entries of [10, 1_000]) {
  const text = Buffer.from(encoderPlaylist(entries));
  const records = recordsOf(entries);
  const known = knownBefore(records.slice(0, -1));
  const read = () => withNeeds(parsePlaylist(text));
  const diff = (segments) => freshSegments(known, segments, async () => known.sighting);
  const write = () => renderLive('camera-0', 'main', records);
  const listed = read();
  const added = await diff(listed);
  if (added.kind !== 'continue' || added.fresh.length !== 1) throw new Error(`it added ${added.kind}`);

  await measure(`parse ${entries}`, entries, text.length, read);
  await measure(`diff ${entries}`, entries, text.length, () => diff(listed));
  await measure(`render ${entries}`, entries, write().text.length, write);
  const all = await measure(`all ${entries}`, entries, text.length, async () => {
    await diff(read());
    write();
  });
  goals.push([`all ${entries}`, verdict(all <= GOAL_US[entries], `${GOAL_US[entries]} µs at best`)]);
  const asText = text.toString();
  const theirs = await measure(`hls-parser ${entries}`, entries, text.length, () =>
    HLS.stringify(HLS.parse(asText)),
  );
  figures[`hlsParserTimes${entries}`] = round(theirs / all);
  rows.push([`hls-parser : all, ${entries}`, '', round(theirs / all)]);
}
printTable(
  `playlist: CPU time, medians and best of ${ROUNDS} rounds; render is the whole: text, Buffer and ETag; hls-parser reads and writes`,
  rows,
);

const growth = [['a MiB of', 'ms', 'ms at best', 'times 32 KiB', 'times 32 × 32 KiB, all kept']];
for (const [what, entry] of Object.entries(kinds())) {
  const small = playlistOf(entry, 32 * 1024);
  const large = playlistOf(entry, 1024 * 1024);
  const read = (body) => withNeeds(parsePlaylist(body));
  const [one, whole, apart] = [[], [], []];
  for (let at = 0; at <= ROUNDS; at++) {
    one.push(
      wallUs(() => {
        for (let again = 0; again < 32; again++) read(small);
      }) / 32,
    );
    apart.push(wallUs(() => Array.from({ length: 32 }, () => read(small))));
    whole.push(wallUs(() => read(large)));
  }
  const ratio = Math.min(...whole) / Math.min(...one);
  const kept = Math.min(...whole) / Math.min(...apart);
  growth.push([
    what,
    round(median(whole) / 1000),
    round(Math.min(...whole) / 1000),
    round(ratio),
    round(kept),
  ]);
  figures[`mib ${what}`] = { ms: round(median(whole) / 1000), timesOf32KiB: round(ratio), kept: round(kept) };
  goals.push([`a MiB of ${what}`, verdict(ratio <= GOAL_RATIO, `${GOAL_RATIO} × 32 KiB`)]);
}
printTable('reading a MiB, by the clock on the wall', growth);
printTable('goals', [['', ''], ...goals]);
console.log();
printResult('playlist', figures);

/** By the clock on the wall: V8 collects the garbage of a MiB on all cores at once. */
function wallUs(run) {
  const startedAt = performance.now();
  run();
  return (performance.now() - startedAt) * 1_000;
}

async function measure(what, entries, bytes, run) {
  const us = [];
  for (let at = 0; at <= ROUNDS; at++) {
    const startedAt = performance.now();
    const before = process.cpuUsage();
    let done = 0;
    do {
      for (let again = 0; again < 10; again++) await run();
      done += 10;
    } while (performance.now() - startedAt < ROUND_MS);
    const { user, system } = process.cpuUsage(before);
    if (at > 0) us.push((user + system) / done); // The first warms up.
  }
  const best = Math.min(...us);
  figures[what.replace(' ', '')] = { us: round(median(us)), best: round(best), bytes };
  rows.push([what, bytes, round(median(us)), round(best), round(median(us) / entries)]);
  return best;
}

function encoderPlaylist(entries) {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:100000'];
  for (let at = 0; at < entries; at++) {
    const time = new Date(1_700_000_000_000 + at * 2_000).toISOString().replace('Z', '+0000');
    lines.push('#EXTINF:2.000000,', `#EXT-X-PROGRAM-DATE-TIME:${time}`, `camera-0-${100_000 + at}.ts`);
  }
  return `${lines.join('\n')}\n`;
}

function recordsOf(entries) {
  return Array.from({ length: entries }, (_, at) => ({
    sequence: 1_700_000_000 + at,
    at: 1_700_000_000_000 + at * 2_000,
    duration: 2,
    digest: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ',
    bytes: 1_000_000,
    extension: 'ts',
    discontinuity: at === 0,
    discontinuitySequence: 3,
    targetDuration: 2,
    listFrom: 1_700_000_000,
    encoder: {
      sequence: 100_000 + at,
      name: `camera-0-${100_000 + at}.ts`,
      bytes: 1_000_000,
      modifiedAt: 1_700_000_000_000,
      targetDuration: 2,
    },
  }));
}

/** What an edge knows that has all but the newest. */
function knownBefore(records) {
  const segments = new Map(records.map(({ encoder }) => [encoder.sequence, encoder]));
  return {
    run: { newest: records.at(-1).encoder.sequence, segments, ended: false },
    wasTaken: () => false,
    newestModifiedAt: 1_700_000_000_000,
    staleInARow: 0,
    sighting: { bytes: 1_000_000, modifiedAt: 1_700_000_000_000 },
  };
}

function playlistOf(entry, size) {
  let text = '#EXTM3U\n';
  for (let at = 0; text.length < size; at++) text += entry(at);
  return Buffer.from(text);
}

function kinds() {
  const time = (at) => new Date(1_700_000_000_000 + at * 2_000).toISOString().replace('Z', '+0000');
  return {
    segments: (at) => `#EXTINF:2.000000,\ncamera-0-main-2026-11-23-${100_000 + at}.ts\n`,
    'segments with date-times': (at) =>
      `#EXTINF:2.000000,\n#EXT-X-PROGRAM-DATE-TIME:${time(at)}\ncamera-0-${at}.ts\n`,
    'parts of one file': (at) => `#EXTINF:2.000000,\n#EXT-X-BYTERANGE:90000@${at * 90_000}\ncamera-0.ts\n`,
    'comments and tags': (at) => `# ${at}\n#EXT-X-CUE-OUT:${at}\n#EXTINF:2.000000,\ncamera-0-${at}.ts\n`,
    'a key and a map each': (at) =>
      `#EXT-X-KEY:METHOD=AES-128,URI="${at}.key"\n#EXT-X-MAP:URI="${at}.mp4"\n#EXTINF:2.000000,\ncamera-0-${at}.m4s\n`,
  };
}
