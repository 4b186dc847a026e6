import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { MemorySink } from '../read-segment.ts';
import { ArrivingBody } from './arriving-body.ts';
import { PushedFile } from './pushed-file.ts';

/** A file that a test pushes byte by byte, without a network. `sinks`: the places where its pieces lie, and which of them are gone. */
export function pushedFile(clock: FakeClock, maxSegmentBytes: number) {
  const request = Object.assign(new EventEmitter(), { pause: () => undefined });
  const body = new ArrivingBody(request as unknown as IncomingMessage, maxSegmentBytes);
  const sinks: { dropped: boolean }[] = [];
  const startedAt = clock.now();
  const file = new PushedFile(body, {
    // Nobody looks at what is in it.
    extension: 'key',
    startedAt,
    maxSegmentBytes,
    clock,
    async openSink() {
      const place = { dropped: false };
      sinks.push(place);
      return new (class extends MemorySink {
        override async discard() {
          place.dropped = true;
          await super.discard();
        }
      })();
    },
  });
  file.received.catch(() => undefined);
  return {
    file,
    body,
    sinks,
    startedAt,
    send: (bytes: Buffer) => void request.emit('data', bytes),
    end: () => void request.emit('end'),
    breakOff: () => void request.emit('close'),
  };
}

/** What is read of a part. */
export async function partOfFile(file: PushedFile, offset: number, length: number): Promise<Buffer> {
  const opened = await file.open({ offset, length });
  const chunks: Buffer[] = [];
  for await (const chunk of opened.chunks()) chunks.push(Buffer.from(chunk));
  await opened.close();
  return Buffer.concat(chunks);
}
