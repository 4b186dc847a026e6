import type { S3Client } from '@aws-sdk/client-s3';
import type { EpochMs, Seconds } from '../media/units.ts';
import type { StoreTicket, TicketFacts } from './object-store.ts';
import type { S3Sdk } from './s3-client.ts';
import type { Place } from './s3-upload.ts';

/** What the store holds the bearer to. It would not compare a signed SHA-256. */
const SIGNED = ['host', 'content-length', 'content-md5', 'content-type', 'if-none-match'];

/** A pre-signed PUT of exactly this object, where there is none yet. */
export async function signTicket(
  { sdk, client, at }: { readonly sdk: S3Sdk; readonly client: S3Client; readonly at: EpochMs },
  place: Place,
  facts: TicketFacts,
  ttl: Seconds,
): Promise<StoreTicket> {
  if (!/^[A-Za-z0-9+/]{22}==$/.test(facts.md5)) throw new RangeError('the MD5 of a ticket is not base64');
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const command = new sdk.PutObjectCommand({
    ...place,
    ContentLength: facts.bytes,
    ContentType: facts.contentType,
    ContentMD5: facts.md5,
    IfNoneMatch: '*',
  });
  const url = await getSignedUrl(client, command, {
    expiresIn: Math.ceil(ttl),
    signingDate: new Date(at),
    signableHeaders: new Set(SIGNED),
    unhoistableHeaders: new Set(SIGNED),
  });
  return {
    url,
    headers: {
      'content-length': String(facts.bytes),
      'content-type': facts.contentType,
      'content-md5': facts.md5,
      'if-none-match': '*',
    },
  };
}
