import { millis } from '../media/units.ts';
import type { SystemClock } from '../runtime/clock.ts';
import { OperatorFailed } from './operator-client.ts';
import type { Operator } from './operator-command.ts';
import { ProgressBar } from './progress.ts';
import { path, type RecordingJson } from './recordings.ts';
import { byteText, durationText } from './table.ts';

const ASK_EVERY = millis(500);

/** Stays until a recording has ended, and shows how far it is. */
export async function waitForRecording(
  { ask }: Operator,
  begun: RecordingJson,
  clock: SystemClock,
): Promise<RecordingJson> {
  const bar = new ProgressBar();
  let recording = begun;
  try {
    while (recording.state === 'recording' || recording.state === 'draining') {
      const { from, until, settledUntil, bytes, durationSeconds } = recording;
      const began = Date.parse(from);
      const share =
        until === null ? undefined : (Date.parse(settledUntil) - began) / (Date.parse(until) - began);
      bar.show(
        share,
        `${recording.id} ${recording.state}: ${durationText(durationSeconds)}, ${byteText(bytes)}`,
      );
      await clock.sleep(ASK_EVERY);
      recording = await ask<RecordingJson>('GET', path(recording.id));
    }
  } catch (error) {
    // Nobody has been told its id yet.
    if (!(error instanceof OperatorFailed)) throw error;
    const later = `The recording goes on without this command: livemix recordings show ${begun.id}`;
    throw new OperatorFailed(`${error.message}\n${later}`);
  } finally {
    bar.end();
  }
  return recording;
}
