import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Whether the request shows the token: as `Authorization: Bearer TOKEN`, or with `basic` as the password of any user.
 * How long it takes does not tell how much of the token was right.
 */
export function showsToken(
  request: Pick<IncomingMessage, 'headers'>,
  token: string,
  options: { readonly basic: boolean },
): boolean {
  const shown = shownSecret(request.headers.authorization, options.basic);
  return shown !== undefined && sameSecret(shown, token);
}

function shownSecret(authorization: string | undefined, basic: boolean): string | undefined {
  const found = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '');
  if (found === null) return undefined;
  if (found[1]!.toLowerCase() === 'bearer') return found[2]!;
  if (!basic) return undefined;
  const pair = Buffer.from(found[2]!, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/** Digests are compared, since `timingSafeEqual` wants equal lengths. */
const sameSecret = (shown: string, token: string): boolean => timingSafeEqual(digest(shown), digest(token));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
