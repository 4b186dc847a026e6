import type { IncomingMessage } from 'node:http';
import { LiveMixError } from '../../media/error.ts';
import { isName } from '../../media/name.ts';
import { MIB } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { readBody } from '../../runtime/request-body.ts';
import { sha256 } from '../../runtime/sha256.ts';
import { EDGE_HEADER, LINK_HEADER, MAX_SEGMENT_BYTES, parseContentDigest } from '../../wire/uplink.ts';
import type { EdgeLinks } from './edge-links.ts';

/** Uploads that may be under way at once, in bytes: each is held in memory until its digest is checked. */
const MAX_UNDER_WAY = 256 * MIB;
const MEDIA_TYPES = /^(video\/mp2t|video\/mp4|audio\/[a-z0-9]+|text\/vtt|application\/octet-stream)$/;

/** What the head of an upload says of its body. */
export type UploadHead = { readonly length: number; readonly digest: string };

/** The edge that speaks, over its newest link. Throws `bad_link` or `stale_link`. */
export function edgeOf(links: EdgeLinks, request: IncomingMessage): string {
  const edge = request.headers[EDGE_HEADER];
  const generation = Number(request.headers[LINK_HEADER]);
  if (typeof edge !== 'string' || !isName(edge) || !Number.isSafeInteger(generation) || generation <= 0) {
    throw new LiveMixError('bad_link', 'The edge or its link generation is missing.');
  }
  if (links.generationOf(edge) !== generation) {
    throw new LiveMixError('stale_link', 'This is not the newest link of the edge.');
  }
  return edge;
}

/** The length and the digest of the body that follows, once the head is in order. */
export function checkHead({ headers }: IncomingMessage): UploadHead {
  if (headers['content-encoding'] !== undefined || !MEDIA_TYPES.test(headers['content-type'] ?? '')) {
    throw new LiveMixError('wrong_type', 'This is not a media type of segments.');
  }
  if (headers['content-length'] === undefined)
    throw new LiveMixError('length_required', 'A segment has a length.');
  const length = Number(headers['content-length']);
  if (length > MAX_SEGMENT_BYTES) throw new LiveMixError('too_large', 'The segment is larger than 32 MiB.');
  const digest = parseContentDigest(headers['content-digest'] as string | undefined);
  if (digest === undefined)
    throw new LiveMixError('bad_digest', 'A segment comes with the SHA-256 of its bytes.');
  return { length, digest };
}

/** The bodies of segments that edges send, whole and checked. */
export class Uploads {
  #underWay = 0;

  constructor(private readonly clock: Clock) {}

  /** Reads a body. Throws `busy` when too much is coming at once, `digest_mismatch` when it is not what its head said. */
  async read(request: IncomingMessage, { length, digest }: UploadHead): Promise<Buffer> {
    if (this.#underWay + length > MAX_UNDER_WAY) {
      throw new LiveMixError('busy', 'Too many segments are coming at once.', { retryAfter: 1 });
    }
    this.#underWay += length;
    try {
      const content = await readBody(request, {
        maxBytes: MAX_SEGMENT_BYTES,
        minRate: { clock: this.clock },
      });
      if (content.length === length && sha256(content) === digest) return content;
    } finally {
      this.#underWay -= length;
    }
    throw new LiveMixError(
      'digest_mismatch',
      'The bytes do not match their digest; nothing of them was kept.',
    );
  }
}
