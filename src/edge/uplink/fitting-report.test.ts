import { expect, test } from 'vitest';
import {
  decodeEdgeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type Report,
} from '../../wire/link-messages.ts';
import { fittingReport } from './fitting-report.ts';

const name = (of: string, number: number) => `${of}-${number}-`.padEnd(32, 'x');
const reportOf = (sources: number, renditions: number, text: string): Report => ({
  type: 'report',
  revision: 1_000_000,
  spoolBytes: 10 ** 12,
  spoolMaxBytes: 10 ** 12,
  uplinkBytesPerSecond: 10 ** 9,
  sources: Array.from({ length: sources }, (_, number) => ({
    name: name('source', number),
    sending: true,
    reservedSequence: 10 ** 10,
    reservedDiscontinuity: 10 ** 6,
    floor: { sequence: 10 ** 10, discontinuity: 10 ** 6 },
    targetDuration: 60,
    renditions: Array.from({ length: renditions }, (_, at) => name('rendition', at)),
    forwarding: Array.from({ length: renditions }, (_, at) => name('rendition', at)),
    ingestedBytes: 10 ** 13,
    forwardedBytes: 10 ** 13,
    lastSegmentAt: 1_700_000_000_000,
    settledUntil: 1_700_000_000_000,
    reach: 1_700_000_000_000,
    backlogBytes: 10 ** 12,
    trouble: { code: 'unreadable_at_source', detail: text, hint: text },
  })),
});

test('a full edge whose every source is in trouble fits its message', () => {
  const full = reportOf(64, 4, '"'.repeat(300));
  expect(encodeMessage(full).length).toBeGreaterThan(MAX_MESSAGE_BYTES);
  const text = encodeMessage(fittingReport(full));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  const said = decodeEdgeMessage(text) as Report;
  expect(said.sources).toHaveLength(64);
  expect(said.sources[63]).toMatchObject({ trouble: { code: 'unreadable_at_source' } });
  expect(said.sources[63]!.renditions).toHaveLength(4);
});

test('what fits is said as it is', () => {
  const usual = reportOf(16, 4, 'It could not be read.');
  expect(fittingReport(usual)).toBe(usual);
});
