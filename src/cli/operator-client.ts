/** Control said no, or could not be reached. */
export class OperatorFailed extends Error {}

/** Asks control's API. Throws `OperatorFailed` with what control said and what to do. */
export async function askControl<T>(
  control: URL,
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(path, control), {
      method,
      signal: AbortSignal.timeout(15_000),
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause = (error as Error & { cause?: Error }).cause?.message ?? (error as Error).message;
    throw new OperatorFailed(
      `control at ${control.origin} cannot be reached (${cause}). Is it running? See LIVEMIX_CONTROL_URL.`,
    );
  }
  const text = await response.text();
  if (!response.ok) throw new OperatorFailed(refusalOf(text, response.status));
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** What control said in a problem, and what to do. */
export function refusalOf(text: string, status: number): string {
  try {
    const { code, detail, hint } = JSON.parse(text) as Record<string, string>;
    return `${detail} ${hint} (${code})`;
  } catch {
    return `control answered ${status}`;
  }
}
