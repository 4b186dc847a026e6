import { isFragmentedMp4 } from '../../../media/segment-record.ts';
import type { Seconds } from '../../../media/units.ts';
import { TransportStreamCheck } from '../../../mpegts/transport-stream-check.ts';
import { BoxCheck } from './box-check.ts';
import { HeadCheck, isAc3, isAdts, isMp3, isWebVtt } from './head-check.ts';

/** What bytes turned out to be, that should be a segment. */
export type Verdict = 'ok' | keyof typeof verdicts;

/** Looks at the bytes of a segment while they pass. It is told each once, in order, and keeps hardly any. */
export interface SegmentCheck {
  push(chunk: Uint8Array): void;
  verdict(): Verdict;
  /** How long what it holds is presented; absent where that is not looked at. */
  readonly span?: Seconds;
}

/** Why bytes are no whole segment. */
export const verdicts = {
  empty: 'the file is empty',
  torn: 'the file does not end with a whole packet or box',
  not_ts: 'the file is no MPEG transport stream',
  no_tables: 'the file has no PAT and PMT at its head',
  not_mp4: 'the file is no MP4',
  no_media: 'the file has no moof and no mdat',
  not_webvtt: 'the file does not begin with WEBVTT',
  not_audio: 'the file begins neither with ID3 nor with a frame of its sound',
} as const;

/** What looks at clear segments of that extension; undefined where any bytes are good. */
export function checkOf(extension: string): SegmentCheck | undefined {
  if (isFragmentedMp4(extension)) return new BoxCheck();
  switch (extension) {
    case 'ts':
      return new TransportStreamCheck();
    case 'vtt':
    case 'webvtt':
      return new HeadCheck(isWebVtt, 'not_webvtt');
    case 'aac':
      return new HeadCheck(isAdts, 'not_audio');
    case 'mp3':
      return new HeadCheck(isMp3, 'not_audio');
    case 'ac3':
    case 'ec3':
      return new HeadCheck(isAc3, 'not_audio');
    default:
      return undefined;
  }
}

/** Whether what is wrong with a file may be right: its bytes are encrypted, or it is an init section. The playlist tells. */
export const mayBeMeant = (verdict: Verdict, size: number): boolean =>
  verdict === 'no_media' || (verdict.startsWith('not_') && size % CIPHER_BLOCK === 0);

/** AES-128 with PKCS7 padding (RFC 8216 §4.3.2.4) makes whole blocks. */
const CIPHER_BLOCK = 16;

/** Why a clear init section is none; undefined where it is good, and of others than MP4. */
export function faultOfInit(extension: string, content: Uint8Array): string | undefined {
  if (!isFragmentedMp4(extension)) return undefined;
  const check = new BoxCheck();
  check.push(content);
  const verdict = check.verdict();
  if (verdict !== 'ok' && verdict !== 'no_media') return verdicts[verdict];
  return check.hasMoov ? undefined : 'the init section has no moov';
}
