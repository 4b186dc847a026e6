import { createHash, randomBytes } from 'node:crypto';

/** One random stream, the same for the same seed and name. */
export type Prng = {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  pick<T>(of: readonly T[]): T;
  chance(probability: number): boolean;
};

/** The seed of this run: `LIVEMIX_SEED`, or a new one. Whoever calls prints it. */
export function chooseSeed(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = env['LIVEMIX_SEED'];
  return given !== undefined && given !== '' ? given : randomBytes(6).toString('hex');
}

/**
 * A random stream drawn from a seed. Each purpose names its own, so that a draw more in one of them leaves the
 * others as they were.
 */
export function prngOf(seed: string, purpose: string): Prng {
  const begin = createHash('sha256').update(`${seed}/${purpose}`).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => begin.readUInt32LE(at)) as [number, number, number, number];
  // sfc32: small, quick, and good enough for schedules.
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  const integer = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    integer,
    pick: (of) => of[integer(0, of.length - 1)]!,
    chance: (probability) => next() < probability,
  };
}
