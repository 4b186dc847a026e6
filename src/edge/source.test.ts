import { expect, test } from 'vitest';
import { MAIN } from '../media/name.ts';
import { recordForTest } from '../media/record-for-test.ts';
import { endOf } from '../media/span.ts';
import { epochMs, millis, seconds } from '../media/units.ts';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { Rendition } from './rendition.ts';
import type { RenditionNames } from './rendition-names.ts';
import { Source } from './source.ts';
import { Keep } from './spool/keep.ts';
import type { Ledger } from './spool/ledger.ts';

test('an encoder is not silent while what it announced is being taken in: a recording waits for that', async () => {
  const clock = new FakeClock();
  const source = new Source('camera-0', {} as Ledger, {} as RenditionNames, [], clock);
  const keep = new Keep([{ from: epochMs(0) }], epochMs(0));
  const rendition = new Rendition({ source: 'camera-0', rendition: MAIN }, seconds(600), keep);
  source.add(rendition);
  const record = recordForTest(1, { at: clock.now() });
  rendition.push(record);
  keep.settle(1);
  source.tookIn(rendition, endOf(record), record.bytes);
  expect(source.settledUntil).toBe(endOf(record));

  const reading = new AbortController();
  const taking = rendition.queue.run(() => clock.sleep(millis(1e9), reading.signal));
  clock.pass(60_000);
  expect(source.settledUntil).toBe(endOf(record));
  reading.abort();
  await taking;
  await new Promise((resolve) => setImmediate(resolve));
  expect(source.settledUntil).toBe(clock.now() - 10_000);
});
