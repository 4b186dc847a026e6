import { record, text } from './read-json.ts';

/** A change is answered at once: the server waits for nothing but its disk. */
const CHANGED_WITHIN_MS = 10_000;

/** The server answered, but not with what was asked for. */
export class ApiRefused extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly hint: string,
  ) {
    super(detail);
  }
}

/** An address beside this page, wherever a proxy has put it. */
export const here = (path: string): string => new URL(path, location.href.replace(/[?#].*$/s, '')).href;

/** The answer to a GET. Rejects with `ApiRefused` where it is not a good one. */
export async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(here(path), {
    signal,
    cache: 'no-store',
    headers: { accept: 'application/json' },
  });
  if (!response.ok) throw await refusal(response);
  return response;
}

/** Asks for a change. Rejects with `ApiRefused` where it was not made. */
export async function change(
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
): Promise<void> {
  const response = await fetch(here(path), {
    method,
    signal: AbortSignal.timeout(CHANGED_WITHIN_MS),
    headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await refusal(response);
}

/** What a refused answer says of itself (`application/problem+json`). */
export async function refusal(response: Response): Promise<ApiRefused> {
  const problem = record(await response.json().catch(() => undefined));
  const detail = text(problem['detail']) || text(problem['title']) || `LiveMix answered ${response.status}.`;
  return new ApiRefused(response.status, detail, text(problem['hint']));
}

/** Why something did not work, in a sentence or two; `silent` is said when there was no answer at all. */
export function whyRefused(error: unknown, silent: string): string {
  if (!(error instanceof ApiRefused)) return silent;
  return [error.detail, error.hint].filter(Boolean).join(' ');
}
