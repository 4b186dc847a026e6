import type { GapReason } from '../../media/segment-record.ts';
import type { RecordingGapReason } from './recording-gaps.ts';

type GapText = {
  readonly detail: string;
  /** Whether the media may still come. */
  readonly heals: string;
  readonly hint: string;
};

/** The gaps of a recording that are not gaps of its source. `docs/errors.md` is compared with this table by a test. */
export const recordingGapTexts: Readonly<Record<Exclude<RecordingGapReason, GapReason>, GapText>> = {
  source_silent: {
    detail: 'The encoder made nothing. The recording is complete all the same.',
    heals: 'no',
    hint: 'Check the encoder, if it should have been running.',
  },
  beyond_spool: {
    detail: 'The edge no longer had this when it was asked for it.',
    heals: 'no',
    hint: 'Begin earlier, or raise LIVEMIX_SPOOL_SECONDS and LIVEMIX_SPOOL_BYTES of the edge.',
  },
  edge_restarted: {
    detail: 'The edge lost its power: what it had not been asked to keep safe by then is gone.',
    heals: 'no',
    hint: 'Begin a recording before what it is to have; the edge then syncs every segment.',
  },
  spool_lost: {
    detail: 'The edge came back with another spool: what it had not delivered is gone.',
    heals: 'no',
    hint: 'Keep LIVEMIX_DATA_DIR of the edge on a disk that outlives it.',
  },
  source_refused: {
    detail: 'The encoder sent media, and the edge could take in nothing of it.',
    heals: 'no',
    hint: 'See `livemix sources`: the trouble of the source says what to mend.',
  },
  edge_lost: {
    detail: 'The edge did not come back within LIVEMIX_DRAIN_DAYS: the recording was given up.',
    heals: 'no',
    hint: 'Bring the edge back earlier, or raise LIVEMIX_DRAIN_DAYS of control.',
  },
};

/** Whether media that the edge never got, or the store lost, may still come. */
export const healingOf = (reason: GapReason): string =>
  reason === 'object_lost' ? 'yes, by `livemix recordings verify ID` when the object is back' : 'no';
