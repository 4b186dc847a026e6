import { type Bytes, bytes, KIB, type Millis, millis } from '../media/units.ts';

/** What bounds a connection. Node's own defaults are made for trusted clients. */
export type HttpLimits = {
  /** From the connection, or the end of the last request, to the end of a request's header. */
  readonly headers: Millis;
  /** From the header of a request to the end of its body. */
  readonly request: Millis;
  /** How often connections are looked for that broke the two above. */
  readonly checkEvery: Millis;
  /** How long a connection may wait for its next request. */
  readonly keepAlive: Millis;
  readonly headerBytes: Bytes;
  readonly headerFields: number;
  readonly connections: number;
  /** From one address other than loopback; 0 is without bound, for nodes behind a proxy. */
  readonly connectionsPerAddress: number;
  /** A reader that takes less than `stalledBytes` within `stalled` is cut. */
  readonly stalled: Millis;
  readonly stalledBytes: Bytes;
  /** How often readers are looked at. */
  readonly sweepEvery: Millis;
  /** How long one response may be under way altogether; 0 is without bound. */
  readonly response: Millis;
};

export const standardHttpLimits: HttpLimits = {
  headers: millis(5_000),
  request: millis(120_000),
  checkEvery: millis(1_000),
  keepAlive: millis(15_000),
  headerBytes: bytes(8 * KIB),
  headerFields: 64,
  connections: 10_000,
  connectionsPerAddress: 1_024,
  stalled: millis(20_000),
  stalledBytes: bytes(8 * KIB),
  sweepEvery: millis(5_000),
  response: millis(0),
};
