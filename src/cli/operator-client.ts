/** Control said no, or could not be reached. */
export class OperatorFailed extends Error {}

const ANSWERS_WITHIN_MS = 15_000;

/** Which control node is asked, and as whom. */
export type Asked = { readonly control: URL; readonly token: string | undefined };

/** Asks control's API. Throws `OperatorFailed` with what control said and what to do. */
export async function askControl<T>(asked: Asked, method: string, path: string, body?: unknown): Promise<T> {
  const response = await reach(asked, path, {
    method,
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    ...(body !== undefined && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await wholeOf(asked, response);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/**
 * The pages of a list, one after the other, as control links them. What of it is shown is up to whoever asks, so it is
 * asked for only as far as it is read. Throws as `askControl` does.
 */
export async function* askPages<T>(asked: Asked, path: string): AsyncGenerator<readonly T[]> {
  for (let at: string | undefined = path; at !== undefined; ) {
    const response = await reach(asked, at, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    yield JSON.parse(await wholeOf(asked, response)) as T[];
    const next = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    at = next && `${path.replace(/\?.*$/, '')}${new URL(next, asked.control).search}`;
  }
}

/** The body of an answer that may be long, as it comes. Throws as `askControl` does. */
export async function openAnswer(
  asked: Asked,
  method: string,
  path: string,
): Promise<{ readonly headers: Headers; readonly body: ReadableStream<Uint8Array> }> {
  const { headers, body } = await reach(asked, path, { method });
  if (body === null) throw new OperatorFailed('control answered with nothing');
  return { headers, body };
}

async function reach(asked: Asked, path: string, request: RequestInit): Promise<Response> {
  const { control, token } = asked;
  const headers = {
    ...(request.headers as Record<string, string>),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const response = await fetch(new URL(path, control), { ...request, headers }).catch((error: Error) => {
    throw unreachable(asked, error);
  });
  if (!response.ok) throw new OperatorFailed(refusalOf(await wholeOf(asked, response), response.status));
  return response;
}

const wholeOf = (asked: Asked, response: Response): Promise<string> =>
  response.text().catch((error: Error) => {
    throw unreachable(asked, error);
  });

function unreachable({ control }: Asked, error: Error): OperatorFailed {
  const why = error.cause instanceof Error ? error.cause.message : error.message;
  return new OperatorFailed(
    `control at ${control.origin} cannot be reached (${why}). Is it running? See LIVEMIX_CONTROL_URL.`,
  );
}

/** What control said in a problem, and what to do. */
function refusalOf(text: string, status: number): string {
  try {
    const { code, detail, hint } = JSON.parse(text) as Record<string, string>;
    return `${detail} ${hint} (${code})`;
  } catch {
    return `control answered ${status}`;
  }
}
