import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { MIB, millis } from '../../../media/units.ts';
import type { AllowedMedia } from '../../ingest/media-origin.ts';
import type { HttpAgents } from '../../ingest/open-segment.ts';
import { PullFailed } from './pull-failed.ts';
import { mayAsk, type PullTarget } from './pull-target.ts';

/** From the first question to the last byte, redirects included. */
const FETCH_WITHIN = millis(10_000);
const MAX_REDIRECTS = 3;
/** A day of four-second segments is 0.8 MB. */
const MAX_BYTES = MIB;

/** What a playlist was when it was fetched, to ask whether it has changed (RFC 9110 §13.1). */
export type Validators = {
  /** Where it was found: they mean nothing elsewhere. */
  readonly url: string;
  readonly etag?: string;
  readonly lastModified?: string;
};

export type Fetched = {
  readonly body: Buffer;
  readonly validators: Validators;
};

export type FetchTools = {
  readonly agents: HttpAgents;
  readonly allowed: AllowedMedia;
  readonly signal: AbortSignal;
};

/**
 * Fetches a playlist; undefined where the server says that it has not changed. Redirects are followed to origins that
 * are allowed, and there alone. Nothing is decompressed. Rejects with `PullFailed`.
 */
export async function fetchPlaylist(
  target: PullTarget,
  known: Validators | undefined,
  { agents, allowed, signal }: FetchTools,
): Promise<Fetched | undefined> {
  const deadline = new AbortController();
  const late = agents.clock.after(FETCH_WITHIN, () => deadline.abort());
  const either = AbortSignal.any([signal, deadline.signal]);
  try {
    let { url } = target;
    for (let redirects = 0; ; redirects++) {
      const answer = await ask(url, target, known?.url === url.href ? known : undefined, agents, either);
      const location = redirectOf(answer);
      if (location === undefined) return await read(answer, url, known?.url === url.href, either);
      answer.destroy();
      if (redirects === MAX_REDIRECTS) throw new PullFailed('The server redirects too often.');
      url = redirected(location, url, target, allowed);
    }
  } catch (error) {
    if (error instanceof PullFailed) throw error;
    if (deadline.signal.aborted) throw new PullFailed('It did not come within ten seconds.');
    throw connectionFailed(error);
  } finally {
    late.cancel();
  }
}

/** Resolves with the head of the answer. */
function ask(
  url: URL,
  target: PullTarget,
  known: Validators | undefined,
  agents: HttpAgents,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const { authorization } = target;
  const headers = {
    Accept: 'application/vnd.apple.mpegurl, */*;q=0.5',
    'Accept-Encoding': 'identity',
    ...(authorization !== undefined && url.origin === target.url.origin && { Authorization: authorization }),
    ...(known?.etag !== undefined && { 'If-None-Match': known.etag }),
    ...(known?.lastModified !== undefined && { 'If-Modified-Since': known.lastModified }),
  };
  const agent = secure ? agents.https : agents.http;
  return new Promise((resolve, reject) => {
    const send = () => {
      const request = (secure ? httpsRequest : httpRequest)(url.href, { agent, signal, headers });
      request.on('response', resolve);
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed a connection that it had left open, just when it was used again.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) send();
        else reject(error);
      });
      request.end();
    };
    send();
  });
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? (headers.location ?? '') : undefined;
}

function redirected(location: string, from: URL, target: PullTarget, allowed: AllowedMedia): URL {
  if (location === '' || !URL.canParse(location, from.href)) {
    throw new PullFailed('The server redirects to nowhere.');
  }
  const url = new URL(location, from);
  url.hash = '';
  if (mayAsk(url, target, allowed)) return url;
  throw new PullFailed(`The server redirects to ${url.origin.slice(0, 100)}, which may not be read.`, {
    hint: 'Write the URL that is meant into the config file, or add its origin to LIVEMIX_MEDIA_ORIGINS.',
  });
}

async function read(
  answer: IncomingMessage,
  url: URL,
  wasKnown: boolean,
  signal: AbortSignal,
): Promise<Fetched | undefined> {
  const { statusCode, headers } = answer;
  try {
    if (statusCode === 304 && wasKnown) {
      answer.resume();
      return undefined;
    }
    if (statusCode !== 200) throw refused(answer);
    if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
      throw new PullFailed('The server compresses the playlist, although it was asked not to.');
    }
    const body = await bodyOf(answer);
    // One without a length ends with its connection, whoever closed that.
    signal.throwIfAborted();
    const etag = headers.etag;
    const lastModified = headers['last-modified'];
    const validators = {
      url: url.href,
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { lastModified }),
    };
    return { body, validators };
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  if (Number(answer.headers['content-length'] ?? 0) > MAX_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refused({ statusCode, headers }: IncomingMessage): PullFailed {
  const retryAfter = Number(headers['retry-after']);
  const hints: Readonly<Record<number, string>> = {
    401: 'Write user name and password into the URL of the source: http://user:password@… (Basic).',
    403: 'Write user name and password into the URL of the source: http://user:password@… (Basic).',
    404: 'Check the path of the source’s URL in the config file.',
    410: 'Check the path of the source’s URL in the config file.',
  };
  const hint = hints[statusCode ?? 0];
  return new PullFailed(`The server answered ${statusCode}.`, {
    ...(hint !== undefined && { hint }),
    ...(retryAfter > 0 && { retryAfter }),
  });
}

const tooLarge = () =>
  new PullFailed('The playlist is larger than 1 MiB.', { hint: 'Let the encoder list fewer segments.' });

/** The code of an error of the network says enough; its text may hold what was asked for. */
function connectionFailed(error: unknown): PullFailed {
  const { code, name } = error as NodeJS.ErrnoException;
  const certificate = /CERT|SIGNATURE|UNABLE_TO/.test(code ?? '');
  const hint =
    'Let the camera have a certificate that this machine trusts, or name its issuer in NODE_EXTRA_CA_CERTS.';
  return new PullFailed(`The connection failed: ${code ?? name}.`, certificate ? { hint } : {});
}
