/**
 * Units are types: a number of one cannot be passed where another is asked for.
 * Constructors check nothing; they name.
 */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A length of media or a setting, in seconds, fractions allowed. */
export type Seconds = Unit<'seconds'>;
/** A length of time that a process waits or measures, in milliseconds. */
export type Millis = Unit<'millis'>;
/** A moment: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Unit<'epochMs'>;
/** A length of data. */
export type Bytes = Unit<'bytes'>;

export const seconds = (value: number): Seconds => value as Seconds;
export const millis = (value: number): Millis => value as Millis;
export const epochMs = (value: number): EpochMs => value as EpochMs;
export const bytes = (value: number): Bytes => value as Bytes;

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
