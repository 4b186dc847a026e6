import type { EpochMs } from '../media/units.ts';

/**
 * What must survive on control, whatever ends its process. Every answer is durable when it is given.
 * Rejects with `db_busy` when the database is held by somebody else for longer than five seconds.
 */
export interface Catalog {
  /** All sources that ever were, by name, the deleted ones included. */
  sources(): Promise<readonly CatalogSource[]>;
  /** Writes a source, new or known by its name. On disk when it resolves. */
  saveSource(source: CatalogSource): Promise<void>;
  /** Waits for what was asked before and closes. Later calls reject. */
  close(): Promise<void>;
}

/** A source as it outlives control: who owns its name, what was commanded, which numbers are used up. */
export type CatalogSource = {
  readonly name: string;
  /** The edge that owns the name. Undefined: deleted, the name is free, its floors stay for ever. */
  readonly edge: string | undefined;
  readonly mode: SourceMode;
  /** The random id of the spool that last reported the source. */
  readonly spool: string;
  /** The first sequence number that no spool was allowed to give yet: the floor of an unknown spool. */
  readonly reservedSequence: number;
  /** The same for the discontinuity sequence. */
  readonly reservedDiscontinuity: number;
  readonly createdAt: EpochMs;
};

/** The command of forwarding: while somebody watches, always, never. */
export const sourceModes = ['on-demand', 'always', 'off'] as const;
export type SourceMode = (typeof sourceModes)[number];
