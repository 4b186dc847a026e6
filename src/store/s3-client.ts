import type { S3Client } from '@aws-sdk/client-s3';
import type { Millis } from '../media/units.ts';
import type { S3Url } from './store-url.ts';

/** The commands of the SDK that the store uses. It is large: nobody loads it who has no S3 store. */
export const loadS3 = () => import('@aws-sdk/client-s3');

export type S3Sdk = Awaited<ReturnType<typeof loadS3>>;

/** Longer than any way to a store. */
const CONNECT_WITHIN_MS = 3000;
/** Stores of one's own ask for a region without having one. */
const REGION_OF_AN_ENDPOINT = 'us-east-1';

/**
 * A client that makes every request once and gives up after `silence` without a byte either way. Its keys come from
 * where the SDK looks for them: the usual AWS variables, a profile, the machine's role.
 */
export function createClient(sdk: S3Sdk, url: Pick<S3Url, 'endpoint' | 'region'>, silence: Millis): S3Client {
  const { endpoint } = url;
  const region = url.region ?? (endpoint && REGION_OF_AN_ENDPOINT);
  const client = new sdk.S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Other checksums travel in a trailer, which Ceph and others refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A server that never says `100 Continue` would cost seconds for every object.
    expectContinueHeader: false,
    maxAttempts: 1,
    // It writes to the console what is told by our errors.
    logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    requestHandler: {
      connectionTimeout: CONNECT_WITHIN_MS,
      socketTimeout: silence,
      // Requests and streams are counted before they come here.
      httpAgent: { maxSockets: Number.POSITIVE_INFINITY },
      httpsAgent: { maxSockets: Number.POSITIVE_INFINITY },
    },
  });
  // After signing: there are proxies that change this header.
  client.middlewareStack.add(
    (next) => (args) => {
      headersOf(args.request)['accept-encoding'] = 'identity';
      return next(args);
    },
    { step: 'deserialize', name: 'takeBytesAsTheyAre' },
  );
  return client;
}

const nothing = () => undefined;

/** The headers of a request on its way through the SDK. */
export const headersOf = (request: unknown): Record<string, string> =>
  (request as { headers: Record<string, string> }).headers;
