import { createDecipheriv } from 'node:crypto';
import { type ProbedSegment, readAttributes, tagValue } from './prober-playlist.ts';
import type { Finding } from './prober-rules.ts';

/** Reads a whole resource; undefined where it does not answer 200. */
export type Read = (uri: string) => Promise<Uint8Array | undefined>;

export type Clear = {
  /** The bytes as a player sees them; undefined where a key is lacking. */
  readonly body?: Uint8Array;
  readonly findings: readonly Finding[];
};

/** What a segment needs to be played: its init section is there (A1, C5), and its key opens it (C8). */
export async function asPlayed(
  { uri, map, keys }: ProbedSegment,
  body: Uint8Array,
  read: Read,
): Promise<Clear> {
  const findings: Finding[] = [];
  if (map !== undefined) {
    const mapUri = attribute(map, 'URI') ?? '';
    const init = await read(mapUri);
    if (init === undefined)
      findings.push({ rule: 'A1', detail: `${mapUri}, the map of ${uri}, is not there` });
    else if (/\.(mp4|m4s)$/.test(mapUri) && Buffer.from(init).toString('latin1', 4, 8) !== 'ftyp') {
      findings.push({ rule: 'C5', detail: `${mapUri} does not begin with ftyp` });
    }
  }
  const key = keys.find((line) => attribute(line, 'METHOD') === 'AES-128');
  if (key === undefined) return { body, findings };
  const keyUri = attribute(key, 'URI') ?? '';
  const secret = await read(keyUri);
  const iv = attribute(key, 'IV')?.replace(/^0x/i, '').padStart(32, '0');
  if (secret?.length !== 16 || iv === undefined) {
    return { findings: [...findings, { rule: 'C8', detail: `${keyUri} is no key with an IV` }] };
  }
  try {
    const cipher = createDecipheriv('aes-128-cbc', secret, Buffer.from(iv, 'hex'));
    return { body: Buffer.concat([cipher.update(body), cipher.final()]), findings };
  } catch {
    return { findings: [...findings, { rule: 'C8', detail: `${keyUri} does not open ${uri}` }] };
  }
}

const attribute = (line: string, name: string): string | undefined =>
  readAttributes(tagValue(line)).attributes.get(name)?.value;
