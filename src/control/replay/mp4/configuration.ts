import type { MediaCodec } from 'mediabunny';

const SPS_AVC = 7;
const SPS_HEVC = 33;

/**
 * What of a packet must be the same in all packets of a track, since MP4 keeps it once, in the header: the sequence
 * parameter sets of H.264 and HEVC, the fixed header of AAC in ADTS. Undefined when the packet says nothing about it.
 */
export function configurationIn(codec: MediaCodec, data: Uint8Array): string | undefined {
  if (codec === 'aac') return adtsConfiguration(data);
  if (codec === 'avc' || codec === 'hevc') return sequenceParameters(codec, data);
  return undefined;
}

/** Whether the packet was cut off, which only AAC tells: the length stands in its header (ISO/IEC 13818-7 §6.2). */
export function isCutOff(codec: MediaCodec, data: Uint8Array): boolean {
  if (codec !== 'aac' || !isAdts(data)) return false;
  return (((data[3]! & 0x03) << 11) | (data[4]! << 3) | (data[5]! >> 5)) > data.length;
}

const isAdts = (data: Uint8Array): boolean =>
  data.length >= 7 && data[0] === 0xff && (data[1]! & 0xf6) === 0xf0;

/** Profile, sampling frequency and channels. */
const adtsConfiguration = (data: Uint8Array): string | undefined =>
  isAdts(data) ? `${data[2]! & 0xfd} ${data[3]! & 0xc0}` : undefined;

/** They stand before the first slice; what is behind it is not looked at. */
function sequenceParameters(codec: 'avc' | 'hevc', data: Uint8Array): string | undefined {
  const found: string[] = [];
  let begin = startCode(data, 0);
  while (begin !== undefined) {
    const type = codec === 'avc' ? data[begin]! & 0x1f : (data[begin]! >> 1) & 0x3f;
    if (codec === 'avc' ? type >= 1 && type <= 5 : type < 32) break;
    const next = startCode(data, begin);
    if (type === (codec === 'avc' ? SPS_AVC : SPS_HEVC)) found.push(unitHex(data, begin, next));
    begin = next;
  }
  return found.length === 0 ? undefined : [...new Set(found)].sort().join(' ');
}

/** Without the start code of the next unit, and the zero bytes that may stand before it (ITU-T H.264 Annex B). */
function unitHex(data: Uint8Array, begin: number, next: number | undefined): string {
  let end = next === undefined ? data.length : next - 3;
  while (end > begin && data[end - 1] === 0) end--;
  return Buffer.from(data.subarray(begin, end)).toString('hex');
}

/** Where the next NAL unit begins, behind its start code 00 00 01. */
function startCode(data: Uint8Array, from: number): number | undefined {
  for (let at = data.indexOf(1, from + 2); at !== -1; at = data.indexOf(1, at + 1)) {
    if (data[at - 1] === 0 && data[at - 2] === 0) return at + 1 < data.length ? at + 1 : undefined;
  }
  return undefined;
}
