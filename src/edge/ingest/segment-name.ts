import { segmentExtensions } from '../../media/segment-record.ts';

/** One plain file name: no folder, no dots that climb, nothing to decode. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/;

export const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

/** Whether a playlist's line may be read as a file below its prefix. */
export const isPlainSegmentName = (line: string): boolean =>
  PLAIN.test(line) && segmentExtensions.has(extensionOf(line));
