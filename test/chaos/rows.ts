import type { Allowance } from './checker.ts';
import type { SimulatorOptions } from './simulator.ts';

/** A figure that must have been reached, or the run proves nothing (I10). */
export type Proof = {
  readonly figure: string;
  readonly atLeast: number;
  readonly means: string;
  /** Only where faults last ten times as long. */
  readonly inFull?: true;
};

/** One row of the fault matrix, as data. What it does is in `injections.ts` under the same id. */
export type Row = {
  readonly id: RowId;
  readonly title: string;
  readonly injects: string;
  readonly proofs: readonly Proof[];
  readonly gaps: Allowance;
  /** Where it differs from the usual source. */
  readonly source?: Partial<Pick<SimulatorOptions, 'bytes' | 'listSize' | 'cleanUp' | 'keepBehind'>>;
  readonly control?: Readonly<Record<string, string>>;
  readonly edge?: Readonly<Record<string, string>>;
  /** Viewers may meet a control node that is not there: neither its 200s nor its earlier segments are asked for. */
  readonly controlDies?: true;
  /** A real S3 behind a proxy that answers wrongly when told to; else a folder. */
  readonly store?: 's3';
};

export type RowId =
  | ('F1' | 'F3' | 'F5' | 'F7' | 'F8' | 'F10' | 'F13' | 'F16' | 'F17' | 'F19')
  | ('F23' | 'F24' | 'F25' | 'F26' | 'F27' | 'F28' | 'F35' | 'F36');

const noGaps: Allowance = { reasons: [] };
const links: Proof = { figure: 'linksOpened', atLeast: 2, means: 'the edge dialled again' };
/** What an encoder's window must be for an edge that comes back to find all in it. */
const longWindow = { listSize: 20, cleanUp: 'keep' } as const;

/** The matrix, as far as the simulator, signals and proxies reach. */
export const rows: readonly Row[] = [
  {
    id: 'F1',
    title: 'the line is cut, in silence',
    injects: 'the proxy passes nothing either way and tells nobody, for 7 s',
    proofs: [
      links,
      { figure: 'segmentsWhileCut', atLeast: 8, means: 'media was made while nothing passed' },
      { figure: 'outageMs', atLeast: 6_000, means: 'the silence outlasts the heartbeat' },
    ],
    gaps: noGaps,
  },
  {
    id: 'F3',
    title: 'the line resets and refuses',
    injects: 'the proxy resets what stands and refuses what comes, twice for 2 s',
    proofs: [links, { figure: 'segmentsWhileCut', atLeast: 4, means: 'media was made while nothing passed' }],
    gaps: noGaps,
  },
  {
    id: 'F5',
    title: 'the line is narrower than the source',
    injects: 'the proxy passes 40 % of what the source makes, for 6 s',
    proofs: [
      { figure: 'shortBytes', atLeast: 120_000, means: 'at least two segments could not pass in time' },
      { figure: 'upBytes', atLeast: 60_000, means: 'the line was in use' },
    ],
    gaps: noGaps,
  },
  {
    id: 'F7',
    title: 'control is killed in the middle of an upload',
    injects:
      'SIGKILL when a random number of bytes of a PUT has passed the proxy, twice; started again at once',
    proofs: [
      { figure: 'kills', atLeast: 2, means: 'control died' },
      { figure: 'cutShort', atLeast: 1, means: 'it died with part of a segment behind the proxy' },
    ],
    gaps: noGaps,
    controlDies: true,
  },
  {
    id: 'F8',
    title: 'control is killed behind the upload, before its answer arrives',
    injects: 'answers take 150 ms; SIGKILL 40 ms after the last byte of a PUT; the answer is reset away',
    proofs: [
      { figure: 'kills', atLeast: 2, means: 'control died' },
      { figure: 'answersLost', atLeast: 1, means: 'no answer came down behind a whole PUT' },
    ],
    gaps: noGaps,
    controlDies: true,
  },
  {
    id: 'F10',
    title: 'the edge is killed at any time',
    injects:
      'SIGKILL three times, 0.3 to 1.5 s apart, started again at once; the last time when a post met nobody',
    proofs: [
      { figure: 'kills', atLeast: 3, means: 'the edge died' },
      { figure: 'postsUnanswered', atLeast: 1, means: 'an encoder met a dead edge' },
    ],
    gaps: { reasons: ['edge_restarted'] },
    source: longWindow,
  },
  {
    id: 'F13',
    title: 'the spool is full of what a recording waits for',
    injects: 'LIVEMIX_SPOOL_BYTES of ten segments, and the line cut for 8 s',
    proofs: [
      { figure: 'spoolFull', atLeast: 1, means: 'a segment met a full spool' },
      { figure: 'lost', atLeast: 1, means: 'memory was full, too, and the loss was stated', inFull: true },
    ],
    gaps: { reasons: ['spool_full'], ofOwed: true },
    source: { bytes: 400_000 },
    edge: { LIVEMIX_SPOOL_BYTES: '4MiB' },
  },
  {
    id: 'F16',
    title: 'the object store is away',
    injects: 'a file stands where the folder of the store was, for 5 s',
    proofs: [{ figure: 'deliveriesFailed', atLeast: 1, means: 'a segment was refused and tried again' }],
    gaps: noGaps,
    control: { LIVEMIX_STORE_URL: 'file://{run}/store' },
  },
  {
    id: 'F17',
    title: 'the object store answers wrongly',
    injects:
      'half of the requests to a real S3 meet 500, 503, 429, a reset, or an answer that is cut or lost, for 6 s',
    proofs: [{ figure: 'wrongAnswers', atLeast: 10, means: 'requests were answered wrongly' }],
    gaps: noGaps,
    store: 's3',
  },
  {
    id: 'F19',
    title: 'a crowd asks for one segment that is in no cache',
    injects: 'control is started anew, then 300 viewers at once ask for one segment of the replay',
    proofs: [{ figure: 'viewers', atLeast: 300, means: 'so many were answered' }],
    gaps: noGaps,
    controlDies: true,
  },
  {
    id: 'F23',
    title: 'playlists come ten times, at once, late and out of order',
    injects: 'the simulator repeats, replays and reorders its posts',
    proofs: [{ figure: 'withoutNews', atLeast: 10, means: 'playlists added nothing' }],
    gaps: noGaps,
  },
  {
    id: 'F24',
    title: 'the encoder begins anew',
    injects: 'three restarts, under the same names and new ones',
    proofs: [{ figure: 'runs', atLeast: 4, means: 'the edge opened a run for each' }],
    gaps: noGaps,
  },
  {
    id: 'F25',
    title: 'numbers are left out',
    injects: 'the sequence jumps by 7; later 7 playlists are lost',
    proofs: [{ figure: 'gapsStated', atLeast: 1, means: 'the edge stated that numbers were skipped' }],
    gaps: { reasons: ['source_skipped'] },
  },
  {
    id: 'F26',
    title: 'files are emptied, gone, or shrink before they are read',
    injects: 'announced segments whose files are spoiled',
    proofs: [{ figure: 'gapsStated', atLeast: 2, means: 'the edge could not read some' }],
    gaps: { reasons: ['truncated_at_source', 'missing_at_source', 'unreadable_at_source'] },
  },
  {
    id: 'F27',
    title: 'segments are announced while they are being written',
    injects: 'announced when half of the file is there; the rest follows within 400 ms',
    proofs: [{ figure: 'partials', atLeast: 3, means: 'announced before they were whole' }],
    gaps: noGaps,
  },
  {
    id: 'F28',
    title: 'two segments of one playlist share a name',
    injects: 'the second is written over the first, announced together or one after the other',
    proofs: [{ figure: 'gapsStated', atLeast: 1, means: 'the edge told them apart' }],
    gaps: { reasons: ['name_reused'] },
  },
  {
    id: 'F35',
    title: 'messages of the link are lost, doubled and late',
    injects:
      'a proxy drops, repeats or delays 30 % of the WebSocket messages while a recording is started and stopped',
    proofs: [{ figure: 'messagesHurt', atLeast: 2, means: 'messages were hurt' }],
    gaps: noGaps,
  },
  {
    id: 'F36',
    title: 'a recording is stopped while its edge is away, another deleted while it is back-filled',
    injects: 'the line is cut; one recording is stopped, the other deleted as the line comes back',
    proofs: [
      { figure: 'segmentsWhileCut', atLeast: 4, means: 'media was made while nothing passed' },
      { figure: 'deleted', atLeast: 1, means: 'a recording was deleted before it had all' },
    ],
    gaps: noGaps,
  },
];
