import type { StoreFailed } from './object-store.ts';

/** What was asked of a store. */
export type StoreOperation = 'put' | 'get' | 'stream' | 'head' | 'delete' | 'list';

/** What is worth knowing of a store: each is a log line, a metric, or both. */
export interface StoreEvents {
  /** A request failed. It may have been made again. */
  failed(operation: StoreOperation, reason: StoreFailed['reason']): void;
  /** Too many failed: the store is not asked for a while, what is wanted of it fails at once. */
  opened(): void;
  /** The store answers again. */
  closed(): void;
}
