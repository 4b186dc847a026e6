import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { bytes, MIB, seconds } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { httpAgents } from './open-segment.ts';
import { MemorySink, readSegment } from './read-segment.ts';

test('a segment that a web origin sends more slowly than live is given up, once', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    const dripping = setInterval(() => response.write('G'), 20);
    response.on('close', () => clearInterval(dripping));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clock = new FakeClock();
  const agents = httpAgents(clock);
  class SlowSink extends MemorySink {
    override async write(chunk: Uint8Array): Promise<void> {
      clock.pass(4_000);
      await super.write(chunk);
    }
  }
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reading = {
    origin: { kind: 'http', base } as const,
    name: 'seg.aac',
    extension: 'aac',
    duration: seconds(2),
    range: undefined,
    encrypted: false,
    hasMap: false,
    iFrame: false,
    announced: { at: clock.now(), monotonic: clock.monotonic() },
  };
  const tools = { clock, agents, maxSegmentBytes: bytes(MIB) };
  await expect(readSegment(reading, async () => new SlowSink(), tools)).rejects.toMatchObject({
    reason: 'unreadable_at_source',
    message: 'it comes too slowly',
  });
  expect(asked).toBe(1);
  agents.http.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
