import type { InputTroubleCode } from '../../trouble.ts';

/** A playlist could not be fetched or taken in. It is asked for again. Neither text holds a URL of the operator's. */
export class PullFailed extends Error {
  constructor(
    /** What happened, in a sentence. */
    detail: string,
    readonly options: {
      /** What to do, where that is known better than in general. */
      readonly hint?: string;
      readonly code?: InputTroubleCode;
      /** It will hardly be better soon. */
      readonly lasting?: boolean;
      /** In seconds: what the server asks for. */
      readonly retryAfter?: number;
    } = {},
  ) {
    super(detail);
    this.name = 'PullFailed';
  }
}
