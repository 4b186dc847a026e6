import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OperatorFailed, refusalOf } from './operator-client.ts';
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

/** Has control read every object of a recording again. Fails when one is gone or changed. */
export async function verifyRecording({ control, token }: Operator, [id]: readonly string[]): Promise<void> {
  const response = await fetch(new URL(`${path(id!)}/verify`, control), {
    method: 'POST',
    headers: { ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
  });
  if (!response.ok || response.body === null) {
    throw new OperatorFailed(refusalOf(await response.text(), response.status));
  }
  const bar = new ProgressBar();
  let last: Line = { checked: 0, total: 0, bytes: 0, bad: [] };
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    last = JSON.parse(line) as Line;
    if (last.failed !== undefined) break;
    bar.show(last.checked / last.total, `${last.checked} of ${last.total} objects, ${byteText(last.bytes)}`);
  }
  bar.end();
  if (last.failed !== undefined) throw new OperatorFailed(`Verifying broke off: ${last.failed}`);
  if (last.checked < last.total) throw new OperatorFailed('Verifying broke off: control ended the answer.');
  if (last.bad.length > 0) {
    throw new OperatorFailed(
      `${last.bad.length} of ${last.total} objects are gone or changed: segments ${last.bad.slice(0, 20).join(', ')}. Their gaps are stated now.`,
    );
  }
  console.log(`${last.total} objects, ${byteText(last.bytes)}: all as they were recorded.`);
}
