import { expect, test } from 'vitest';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { edgeEvents } from './events.ts';

test('a full disk and a spool that is full of what recordings wait for are told apart, each with its mend', () => {
  const said: string[] = [];
  const destination = {
    write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg),
  };
  const log = createLog({ level: 'info', name: 'edge', destination });
  const events = edgeEvents(log, createMetrics('edge'), new FakeClock());
  const place = { source: 'camera-0', rendition: 'main' };
  for (const full of ['disk', 'bound', 'disk'] as const) events.spoolInMemory(place, full);
  events.spoolFull(place, 'disk');
  expect(said).toEqual([
    expect.stringMatching(/^the disk is full: .*Free space/),
    expect.stringMatching(/^recordings that wait for control fill LIVEMIX_SPOOL_BYTES: .*raise/),
    expect.stringMatching(/^the disk is full, and so is memory: segments are lost\. Free space/),
  ]);
  expect(said[1]).not.toMatch(/lower|disk is full/);
});
