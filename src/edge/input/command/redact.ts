/** Names under which passwords, tokens and keys stand in URLs: in queries, and in the paths of some cameras. */
const SECRET_NAME = 'pass\\w{0,12}?|pwd|token|secret|api_?key|key|auth|signature|sig|streamid';

/** `scheme://user:password@`. Lengths are bounded, so that a text costs what its length is. What the user is called is nobody's business either. */
const USER_INFO = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#]*@/gi;
/** `?password=…`, and `/user=admin_password=…_channel=1`, as some cameras have it in their path. */
const SECRET_VALUE = new RegExp(`([?&/_;]|^)(${SECRET_NAME})=((?:(?!_[a-z]{1,20}=)[^&\\s'";])*)`, 'gi');
/** Shorter ones are words like any other. */
const LEAST_SECRET = 4;

/** Whether a URL shows something that others on the machine must not see. */
export const holdsSecret = (url: string): boolean =>
  url.search(USER_INFO) >= 0 || url.search(SECRET_VALUE) >= 0;

/** What a URL keeps secret, as it is written and as a program may print it. */
export function secretsIn(url: string): readonly string[] {
  const found: string[] = [];
  for (const [userInfo, scheme] of url.matchAll(USER_INFO)) {
    const password = userInfo.slice(scheme!.length, -1).split(':').slice(1).join(':');
    found.push(password);
  }
  for (const [, , , value] of url.matchAll(SECRET_VALUE)) found.push(value!);
  return found
    .flatMap((secret) => [secret, decoded(secret)])
    .filter((secret) => secret.length >= LEAST_SECRET);
}

/** A text without what URLs keep secret, and without `secrets` wherever they stand. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  if (shown.includes('://')) shown = shown.replace(USER_INFO, '$1…@');
  if (shown.includes('=')) shown = shown.replace(SECRET_VALUE, '$1$2=…');
  for (const secret of secrets) shown = shown.replaceAll(secret, '…');
  return shown;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
