import { ApiRefused, ask, change } from '../http.ts';
import { ANSWER_WITHIN_MS } from '../sources-feed.ts';
import { type Recording, readRecording } from './recording.ts';

const pathOf = (id: string): string => `v1/recordings/${encodeURIComponent(id)}`;

/** `more`: there are older ones. */
export type RecordingsFound = { readonly recordings: readonly Recording[]; readonly more: boolean };

/** The newest recordings, so many or a few more. `source`: those of one; empty: of all. */
export async function fetchRecordings(wanted: number, source: string): Promise<RecordingsFound> {
  const recordings: Recording[] = [];
  const query = new URLSearchParams({ limit: String(wanted), ...(source !== '' && { source }) });
  let page: string | undefined = `?${query}`;
  while (page !== undefined && recordings.length < wanted) {
    const response = await ask(`v1/recordings${page}`, AbortSignal.timeout(ANSWER_WITHIN_MS));
    const answer: unknown = await response.json();
    if (!Array.isArray(answer)) throw new ApiRefused(200, 'The answer is not a list of recordings.', '');
    recordings.push(...answer.map(readRecording).filter((recording) => recording !== undefined));
    page = /<(\?[^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
  return { recordings, more: page !== undefined };
}

export async function fetchRecording(id: string): Promise<Recording> {
  const response = await ask(pathOf(id), AbortSignal.timeout(ANSWER_WITHIN_MS));
  const recording = readRecording(await response.json());
  if (recording === undefined) throw new ApiRefused(200, 'The answer is not a recording.', '');
  return recording;
}

/** `from`: an offset from now (`-30s`); without it from now on. */
export const startRecording = (source: string, from: string): Promise<void> =>
  change('POST', 'v1/recordings', { source, ...(from !== '' && { from }) });

export const stopRecording = (id: string): Promise<void> => change('POST', `${pathOf(id)}/stop`, {});

export const changeRecording = (id: string, to: { title?: string; keep?: boolean }): Promise<void> =>
  change('PATCH', pathOf(id), to);

export const deleteRecording = (id: string): Promise<void> => change('DELETE', pathOf(id));
