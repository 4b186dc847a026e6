import { errorTable, type LiveMixError, type Trouble } from '../media/error.ts';
import type { GapReason } from '../media/segment-record.ts';
import { PrefixRefused } from './ingest/media-origin.ts';
import { commandTroubles } from './input/command/command-trouble.ts';
import type { SourceFault } from './input/configured-source.ts';

/** What an operator is told of a playlist that could not be taken in. Here, unlike in the answer, the setting to add is named whole. */
export function ingestTrouble(error: LiveMixError): Trouble {
  if (!(error instanceof PrefixRefused)) return { code: error.code, detail: error.message, hint: error.hint };
  const hint = `Start the edge with ${error.wanted}`;
  return { code: error.code, detail: error.message, hint: hint.slice(0, 300) };
}

/** What an operator is told of the configuration of a source. */
export const configTrouble = ({ detail, hint }: SourceFault): Trouble =>
  clipped('source_misconfigured', detail, hint);

/** What an operator is told of a source that its edge cannot bring in. `happened` stands behind what is told of the kind. */
export function inputTrouble(code: InputTroubleCode, happened?: string, hint?: string): Trouble {
  const text = inputTroubles[code];
  return clipped(code, !happened ? text.detail : `${text.detail} ${happened}`, hint ?? text.hint);
}

/** Whether a trouble is of a source’s input, and ends with it. */
export const isInputTrouble = (code: string): boolean =>
  Object.hasOwn(inputTroubles, code) || Object.hasOwn(commandTroubles, code);

/** The link carries no longer texts. */
const clipped = (code: string, detail: string, hint: string): Trouble => ({
  code,
  detail: detail.slice(0, 300),
  hint: hint.slice(0, 300),
});

/** Troubles of sources that an edge brings in by itself. `docs/errors.md` is compared with this table by a test. */
export const inputTroubles = {
  pull_failed: {
    detail: 'The playlist of the source could not be fetched or taken in.',
    hint: 'Check that the camera runs, and that this edge reaches it. It is tried again, at least every 30 s.',
  },
} satisfies Record<string, Omit<Trouble, 'code'>>;

export type InputTroubleCode = keyof typeof inputTroubles;

/** A row of `docs/errors.md`. */
export const configTroubleText: Omit<Trouble, 'code'> = {
  detail: 'The config file says something of the source that the edge cannot do. The line is told.',
  hint: 'Mend the line, and send the edge SIGHUP.',
};

/** What an operator is told of media that could not be had. */
export const gapTrouble = (reason: GapReason): Trouble => ({ code: reason, ...gapTexts[reason] });

const gapTexts: Readonly<Record<GapReason, Omit<Trouble, 'code'>>> = {
  source_skipped: {
    detail: 'The encoder’s numbers went on without some segments that no playlist named.',
    hint: 'Raise -hls_list_size, so that a playlist that was lost is made good by the next.',
  },
  truncated_at_source: {
    detail: 'A segment was empty, cut off or not what its name says when it was read.',
    hint: 'Leave out -hls_flags delete_segments, or raise -hls_list_size and -hls_delete_threshold.',
  },
  missing_at_source: {
    detail: 'A segment that a playlist named was not there, or its key or init section was not.',
    hint: 'Where segments are read, check that MPEG-TS-URI-Prefix is the folder of -hls_segment_filename. Where they are pushed, push keys and init sections to the same source, too. An encoder that pushes one file for all of the stream must begin anew where its edge did.',
  },
  unreadable_at_source: {
    detail: 'A segment could not be read.',
    hint: 'The edge needs the right to read it; links, pipes and devices are not followed.',
  },
  name_reused: {
    detail: 'Two segments came under one file name.',
    hint: 'Give every segment its own name: -hls_segment_filename cam-%06d.ts.',
  },
  too_large: { detail: 'A segment was larger than 32 MiB.', hint: 'Lower -hls_time or the bit rate.' },
  too_long: {
    detail: 'A segment was longer than 60 s.',
    hint: 'Give the encoder a key frame every two seconds: -g 50 -sc_threshold 0.',
  },
  bad_name: {
    detail: 'A segment had a name that is no plain file name with a media extension.',
    hint: 'Leave out -hls_base_url and name segments like cam-%06d.ts; with -hls_flags single_file, which fills in no number, like cam.ts.',
  },
  origin_not_allowed: {
    detail: 'A segment lay at a web origin that this edge may not read from.',
    hint: 'Add the origin to LIVEMIX_MEDIA_ORIGINS.',
  },
  spool_corrupt: { detail: 'A segment in the spool had changed on the disk.', hint: 'Check the disk.' },
  object_lost: { detail: 'A recorded segment is gone from the object store.', hint: 'Check the store.' },
  spool_full: {
    detail: 'The disk was full, or LIVEMIX_SPOOL_BYTES of what recordings wait for.',
    hint: errorTable.spool_full.mend,
  },
};
