import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OperatorFailed, refusalOf } from './operator-client.ts';
import type { Operator } from './operator-command.ts';
import { ProgressBar } from './progress.ts';
import { byteText } from './table.ts';

/** Fetches a recording into a file, with a progress bar. A file that is there already is not overwritten. */
export async function downloadRecording(
  { control, token }: Operator,
  id: string,
  { output, format = 'mp4' }: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  if (format !== 'ts' && format !== 'mp4') throw new OperatorFailed('--format is ts or mp4.');
  const response = await fetch(new URL(`/recordings/${encodeURIComponent(id)}/download.${format}`, control), {
    headers: { ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
  });
  if (!response.ok || response.body === null) {
    throw new OperatorFailed(refusalOf(await response.text(), response.status));
  }
  const named = /filename="([A-Za-z0-9._-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  const file = typeof output === 'string' ? output : (named ?? `${id}.${format}`);
  const whole = Number(response.headers.get('content-length') ?? Number.NaN);
  const bar = new ProgressBar();
  let got = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      got += chunk.length;
      bar.show(Number.isNaN(whole) ? undefined : got / whole, byteText(got));
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(response.body), counting, createWriteStream(file, { flags: 'wx' }));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new OperatorFailed(`${file} is there already. Choose another --output.`);
    throw new OperatorFailed(`The download broke after ${byteText(got)} (${message}). ${file} is not whole.`);
  } finally {
    bar.end();
  }
  console.log(`${file}  ${byteText(got)}`);
}
