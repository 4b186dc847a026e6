import type { AllowedMedia } from '../../ingest/media-origin.ts';

/** Where a source is pulled from: its URL, and by itself what is shown there. */
export type PullTarget = {
  /** Without user name and password. */
  readonly url: URL;
  /** Basic, from the URL as it was configured. */
  readonly authorization?: string;
};

export function pullTarget(configured: string): PullTarget {
  const url = new URL(configured);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  if (username === '' && password === '') return { url };
  const user = `${decoded(username)}:${decoded(password)}`;
  return { url, authorization: `Basic ${Buffer.from(user).toString('base64')}` };
}

/** What is percent-encoded as nothing else could be in a URL; a lone % is meant as one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether a URL that was not configured may be asked: a redirect's. */
export const mayAsk = (url: URL, { url: { origin } }: PullTarget, { origins }: AllowedMedia): boolean =>
  /^https?:$/.test(url.protocol) &&
  url.username === '' &&
  url.password === '' &&
  (url.origin === origin || origins.includes(url.origin));
