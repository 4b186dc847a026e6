import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { epochMs } from '../../../media/units.ts';
import { Spool, type StagedSegment } from '../../spool/spool.ts';
import { box } from '../check/box-for-test.ts';
import { ArrivingBody } from './arriving-body.ts';
import { Pieces } from './pieces.ts';
import { type PushedSegment, receiveSegment } from './receive-segment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-receive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A place in a real spool, and what was handed to it, write by write. */
async function watchedStage(spool: Spool, writes: (readonly Uint8Array[])[]): Promise<StagedSegment> {
  const staged = await spool.stage();
  return {
    ...staged,
    write: (...chunks) => {
      writes.push(chunks);
      return staged.write(...chunks);
    },
  };
}

/** Pushes a segment over HTTP, in chunks of 32 KiB as ffmpeg does; what the socket gave, and what the file was given. */
async function push(segment: Buffer) {
  const spool = await Spool.open(folder, { spoolTorn: () => undefined, spoolFailed: () => undefined });
  const given: Buffer[] = [];
  const writes: (readonly Uint8Array[])[] = [];
  let received: Promise<PushedSegment | undefined> | undefined;
  const server = createServer((incoming, response) => {
    incoming.on('data', (chunk: Buffer) => given.push(chunk));
    const openSink = () => watchedStage(spool, writes);
    received = receiveSegment(new ArrivingBody(incoming, 4_000_000), {
      extension: 'm4s',
      startedAt: epochMs(0),
      pieces: new Pieces(openSink, 4_000_000),
    });
    received.finally(() => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const pushing = request({ host: '127.0.0.1', port, method: 'PUT', agent: false }, (response) =>
        response.resume().on('end', resolve),
      );
      pushing.on('error', reject);
      for (let at = 0; at < segment.length; at += 32_768) pushing.write(segment.subarray(at, at + 32_768));
      pushing.end();
    });
    return { given, writes, received: (await received)! };
  } finally {
    server.close();
  }
}

test('a segment goes from the socket to its file as the Buffers it came in, a few large writes, no copy between', async () => {
  const segment = box('mdat', randomBytes(1_000_000));
  const { given, writes, received } = await push(segment);
  const written = writes.flat();
  expect(written.length).toBe(given.length);
  expect(written.every((chunk, at) => chunk === given[at])).toBe(true);
  expect(given.length).toBeGreaterThan(15);
  expect(writes.length).toBeLessThanOrEqual(4);
  expect(segment.equals(await received.sink.content())).toBe(true);
  expect(received.digest).toBe(createHash('sha256').update(segment).digest('base64url'));
  await received.sink.discard();
});
