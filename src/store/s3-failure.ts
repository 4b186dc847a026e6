import { StoreFailed } from './object-store.ts';

type Answer = {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
};

/** What the store answered: an HTTP status, or undefined where no answer came. */
export const statusOf = (error: unknown): number | undefined =>
  (error as Answer | null)?.$metadata?.httpStatusCode;

/** Whether the store answered that there is no such object. */
export const isMissing = (error: unknown): boolean =>
  statusOf(error) === 404 && (error as Answer).name !== 'NoSuchBucket';

/** Whether there was no answer for too long. */
export const isSilence = (error: unknown): boolean => (error as Answer | null)?.name === 'TimeoutError';

/** An error of the SDK as `StoreFailed`; ours, and those of a body, are told apart before. */
export function s3Failure(error: unknown): StoreFailed {
  if (error instanceof StoreFailed) return error;
  const { name = 'Error', message = '' } = error as Answer;
  const status = statusOf(error);
  const failed = (reason: StoreFailed['reason'], detail: string) =>
    new StoreFailed(reason, detail, { cause: error });
  const said = `${name}${message === '' || message === name ? '' : `: ${message}`}`;
  if (name === 'CredentialsProviderError') {
    return failed(
      'denied',
      'There are no keys for the store. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    );
  }
  if (name === 'NoSuchBucket') {
    return failed('broken', 'The store has no such bucket. Make it, or mend LIVEMIX_STORE_URL.');
  }
  if (/^Region is missing/.test(message)) {
    return failed('broken', 'The region of the store is not known. Add region=… to LIVEMIX_STORE_URL.');
  }
  if (status === undefined) {
    return failed(isUnreachable(error) ? 'unreachable' : 'broken', `The store does not answer: ${said}`);
  }
  const answered = `The store answered ${status}: ${said}`;
  // 409: another writer of this key is at work just now.
  if (status === 503 || status === 429 || status === 409) return failed('slow_down', answered);
  if (status === 401 || status === 403) return failed('denied', answered);
  if (status === 507) return failed('full', answered);
  return failed(status >= 500 ? 'unreachable' : 'broken', answered);
}

/** Whatever is not our own mistake in the code. */
const isUnreachable = (error: unknown): boolean =>
  !(error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError);
