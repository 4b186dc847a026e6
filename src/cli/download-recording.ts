import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SettingsError } from '../runtime/settings.ts';
import { OperatorFailed } from './operator-client.ts';
import type { Operator } from './operator-command.ts';
import { ProgressBar } from './progress.ts';
import { byteText } from './table.ts';

/**
 * Fetches a recording into a file, with a progress bar. The file has its name once it is whole. One that is there
 * already is not overwritten.
 */
export async function downloadRecording(
  { open }: Operator,
  id: string,
  { output, format = 'mp4', rendition }: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  if (format !== 'ts' && format !== 'mp4') throw new SettingsError('--format', 'Write ts or mp4.');
  const asked = rendition === undefined ? '' : `?rendition=${encodeURIComponent(String(rendition))}`;
  const address = `/recordings/${encodeURIComponent(id)}/download.${format}${asked}`;
  const { headers, body } = await open('GET', address);
  const named = /filename="([A-Za-z0-9._-]+)"/.exec(headers.get('content-disposition') ?? '')?.[1];
  const file = typeof output === 'string' ? output : (named ?? `${id}.${format}`);
  if (existsSync(file)) {
    await body.cancel();
    throw new OperatorFailed(`${file} is there already. Choose another --output.`);
  }
  const part = `${file}.part`;
  const whole = Number(headers.get('content-length') ?? Number.NaN);
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
    await pipeline(Readable.fromWeb(body), counting, createWriteStream(part));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw new OperatorFailed(`${file} cannot be written (${code}).`);
    throw new OperatorFailed(
      `The download broke off after ${byteText(got)} (${message}). Control went away, or ended it: its log says why then. Try again; what was found to be gone is left out.`,
    );
  } finally {
    bar.end();
  }
  console.log(`${file}  ${byteText(got)}`);
}
