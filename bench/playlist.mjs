// What reading an encoder's playlist and writing control's costs: 10 entries as ever, 1,000 as in a long window.
import { parseMediaPlaylist } from '../dist/hls/parse.js';
import { renderLive } from '../dist/serve/rendered-playlist.js';
import { median, round } from './support/numbers.mjs';
import { printResult, printTable } from './support/report.mjs';

const ROUNDS = 15;
const ROUND_MS = 100;

const rows = [['', 'bytes', 'µs', 'µs/entry', 'MB/s']];
const figures = {};
for (const entries of [10, 1_000]) {
  const text = Buffer.from(encoderPlaylist(entries));
  const records = recordsOf(entries);
  const rendered = renderLive('camera-0', 'main', records);
  measure(`parse ${entries}`, entries, text.length, () => parseMediaPlaylist(text));
  measure(`render ${entries}`, entries, rendered.text.length, () => renderLive('camera-0', 'main', records));
}
printTable(`playlist: medians of ${ROUNDS} rounds; render is the whole: text, Buffer and ETag`, rows);
console.log();
printResult('playlist', figures);

function measure(what, entries, bytes, run) {
  const us = [];
  for (let at = 0; at <= ROUNDS; at++) {
    const startedAt = performance.now();
    let done = 0;
    do {
      for (let again = 0; again < 10; again++) run();
      done += 10;
    } while (performance.now() - startedAt < ROUND_MS);
    if (at > 0) us.push(((performance.now() - startedAt) * 1000) / done); // The first warms up.
  }
  const each = median(us);
  figures[what.replace(' ', '')] = { us: round(each), bytes };
  rows.push([what, bytes, round(each), round(each / entries), round(bytes / each)]);
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
  }));
}
