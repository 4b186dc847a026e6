import { Readable } from 'node:stream';
import { OperatorFailed } from './operator-client.ts';
import type { Operator } from './operator-command.ts';
import { ProgressBar } from './progress.ts';
import { path } from './recordings.ts';
import { byteText } from './table.ts';

type Line = {
  readonly checked: number;
  readonly total: number;
  readonly bytes: number;
  readonly bad: readonly number[];
  readonly failed?: string;
};

const SHOWN = 20;

/** Has control read every object of a recording again. Fails when one is gone or changed. */
export async function verifyRecording({ open }: Operator, [id]: readonly string[]): Promise<void> {
  const { body } = await open('POST', `${path(id!)}/verify`);
  const { checked, total, bytes, bad, failed } = await followed(body);
  if (failed !== undefined) throw new OperatorFailed(`Verifying broke off: ${failed}`);
  if (checked < total) throw new OperatorFailed('Verifying broke off: control ended the answer.');
  if (bad.length > 0) {
    const named = `${bad.slice(0, SHOWN).join(', ')}${bad.length > SHOWN ? ', …' : ''}`;
    throw new OperatorFailed(
      `${bad.length} of ${total} objects are gone or changed: segments ${named}. They count as gaps now, see \`livemix recordings show ${id}\`. Check the store; what comes back to it is found by verifying again.`,
    );
  }
  console.log(`${total} objects, ${byteText(bytes)}: all as they were recorded.`);
}

/** The last line of control's answer; a bar shows those before it. */
async function followed(body: ReadableStream<Uint8Array>): Promise<Line> {
  const bar = new ProgressBar();
  let last: Line = { checked: 0, total: 0, bytes: 0, bad: [] };
  try {
    for await (const line of linesOf(body)) {
      last = JSON.parse(line) as Line;
      bar.show(
        last.checked / last.total,
        `${last.checked} of ${last.total} objects, ${byteText(last.bytes)}`,
      );
    }
    return last;
  } catch (error) {
    const reached = `after ${last.checked} of ${last.total} objects (${(error as Error).message})`;
    throw new OperatorFailed(`Verifying broke off ${reached}. Is control still running? Verify again.`);
  } finally {
    bar.end();
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of Readable.fromWeb(body).setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}
