import type { LiveMixError, Trouble } from '../media/error.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import type { Millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { rarelySaid } from '../runtime/rarely.ts';
import type { SourceUnreadable } from './ingest/open-segment.ts';
import type { SourceFault } from './input/configured-source.ts';
import type { Place } from './spool/spool.ts';

/** What has no room: the disk, or `LIVEMIX_SPOOL_BYTES` of what recordings wait for. */
type FullSpool = 'disk' | 'bound';

const FULL: Readonly<Record<FullSpool, { readonly what: string; readonly mend: string }>> = {
  disk: { what: 'the disk is full', mend: 'Free space, or lower LIVEMIX_SPOOL_BYTES to what the disk has' },
  bound: {
    what: 'recordings that wait for control fill LIVEMIX_SPOOL_BYTES',
    mend: 'Mend the line to control, or raise LIVEMIX_SPOOL_BYTES as far as the disk goes',
  },
};

export type EdgeEvents = ReturnType<typeof edgeEvents>;

/** Everything worth knowing that happens on an edge: the log line and the metric together. */
export function edgeEvents(log: Log, metrics: Metrics, clock: Clock) {
  const taken = metrics.counter('ingest_segments_total', 'Segments taken in', ['source']);
  const takenBytes = metrics.counter('ingest_bytes_total', 'Bytes of segments taken in', ['source']);
  const gaps = metrics.counter('ingest_gaps_total', 'Segments that were never got', ['source', 'reason']);
  const refused = metrics.counter('ingest_refused_total', 'Requests of encoders that were refused', ['code']);
  const idle = metrics.counter('ingest_playlists_without_news_total', 'Playlists that added nothing', [
    'source',
  ]);
  const runs = metrics.counter('ingest_runs_total', 'Lives of encoders that began', ['source']);
  const pulled = metrics.counter('pull_playlists_total', 'Times a playlist was asked for', [
    'source',
    'outcome',
  ]);
  const troubled = metrics.counter('input_troubles_total', 'Troubles of sources that the edge brings in', [
    'source',
    'code',
  ]);
  const starts = metrics.counter('input_ffmpeg_starts_total', 'Starts of ffmpeg for sources', ['source']);
  const torn = metrics.counter('spool_torn_total', 'Spool files that were found torn', ['source']);
  const diskFull = metrics.counter('spool_full_total', 'Segments that met a full disk or spool', ['kept']);
  const links = metrics.counter('link_opened_total', 'Links to control that were opened');
  const sent = metrics.counter('uplink_bytes_total', 'Bytes of segments sent to control', ['source']);
  const repeated = metrics.counter('uplink_repeated_bytes_total', 'Bytes sent more than once', ['source']);
  const delayed = metrics.counter('recording_delayed_total', 'Deliveries of recordings that failed', [
    'source',
    'reason',
  ]);
  const sendTime = metrics.histogram(
    'uplink_send_seconds',
    'From the first byte of a segment to its receipt',
  );
  const stretches = metrics.counter('live_stretches_total', 'Stretches that were opened', ['source']);
  const skipped = metrics.counter('live_skipped_total', 'Segments that live left out', ['source']);

  const rarely = rarelySaid(clock);

  return {
    started: (url: string, control: readonly string[], roots: readonly string[]) => {
      log.info({ url, control: control.join(','), mediaRoots: roots.join(':') }, 'edge is listening');
      if (control.length === 0) {
        log.info('no LIVEMIX_CONTROL_URL: this edge serves its LAN alone');
      }
    },
    stopped: () => log.info('edge has ended'),
    warned: (text: string) => log.warn(text),
    requestFailed: (requestId: string, error: unknown) =>
      log.error({ requestId, err: error }, 'a request failed'),
    slowReaderCut: (peer: string) => log.info({ peer }, 'a reader was too slow and was cut off'),

    sourceAppeared: (source: string) => log.info({ source }, 'source appeared'),
    runOpened: ({ source, rendition }: Place, sequence: number) => {
      log.info({ source, rendition, sequence }, 'an encoder began');
      runs.inc({ source });
    },
    segmentTaken: ({ source }: Place, record: SegmentRecord) => {
      const { sequence, duration, bytes } = record;
      log.debug({ source, sequence, durationSeconds: duration, bytes }, 'segment taken in');
      taken.inc({ source });
      takenBytes.inc({ source }, bytes);
    },
    gapStated: ({ source }: Place, record: SegmentRecord) => {
      const reason = record.gap ?? 'source_skipped';
      gaps.inc({ source, reason });
      rarely(`gap ${source} ${reason}`, () =>
        log.warn({ source, sequence: record.sequence, reason }, 'a segment was never got: a gap is stated'),
      );
    },
    segmentUnreadable: ({ source }: Place, name: string, error: SourceUnreadable) =>
      log.debug(
        { source, name: name.replace(/\?.*$/, ''), reason: error.reason, detail: error.message },
        'segment cannot be read',
      ),
    targetRaised: (source: string, from: number, to: number) =>
      log.warn(
        { source, fromSeconds: from, toSeconds: to },
        'a segment is longer than the target duration: set a key frame interval (-g 50 -sc_threshold 0)',
      ),
    playlistAddedNothing: ({ source }: Place) => idle.inc({ source }),
    playlistStale: ({ source }: Place) => {
      idle.inc({ source });
      rarely(`stale ${source}`, () => log.info({ source }, 'a playlist names only old segments: ignored'));
    },
    ingestRefused: (source: string | undefined, error: LiveMixError, trouble: Trouble) => {
      refused.inc({ code: error.code });
      rarely(`refused ${source} ${error.code}`, () =>
        log.warn(
          { source, code: error.code, detail: trouble.detail, hint: trouble.hint },
          'an encoder was refused',
        ),
      );
    },

    sourcesConfigured: (running: number, ended: number, faults: number) => {
      if (running + ended + faults > 0)
        log.info({ running, ended, faults }, 'the sources of the config file are set up');
    },
    sourceMisconfigured: ({ name, detail, hint }: SourceFault) =>
      log.warn(
        { ...(name !== undefined && { source: name }), detail, hint },
        'a source of the config file is wrong',
      ),
    inputBegan: (source: string) => log.info({ source }, 'the edge begins to bring a source in'),
    inputEnded: (source: string) => log.info({ source }, 'the edge no longer brings a source in'),
    playlistPulled: (source: string, outcome: 'changed' | 'unchanged' | 'failed') =>
      pulled.inc({ source, outcome }),
    inputInTrouble: (source: string, { code, detail, hint }: Trouble) => {
      troubled.inc({ source, code });
      rarely(`input ${source} ${code} ${detail}`, () =>
        log.warn({ source, code, detail, hint }, 'a source cannot be brought in'),
      );
    },
    ffmpegStarted: (source: string, command: string) => {
      starts.inc({ source });
      rarely(`ffmpeg ${source}`, () => log.info({ source, command }, 'ffmpeg is started for a source'));
    },

    spoolRecovered: ({ source, rendition }: Place, segments: number) =>
      log.info({ source, rendition, segments }, 'spool recovered'),
    spoolTorn: ({ source }: Place, fileName: string) => {
      torn.inc({ source });
      log.warn({ source, fileName }, 'a spool file was torn and is removed');
    },
    spoolFailed: (operation: string, error: Error) =>
      log.error({ operation, err: error }, 'the spool failed'),
    spoolInMemory: ({ source }: Place, full: FullSpool) => {
      diskFull.inc({ kept: 'memory' });
      rarely(`spool in memory ${full}`, () =>
        log.warn({ source }, `${FULL[full].what}: segments are kept in memory. ${FULL[full].mend}`),
      );
    },
    spoolFull: ({ source }: Place, full: FullSpool) => {
      diskFull.inc({ kept: 'nowhere' });
      rarely(`spool full ${full}`, () =>
        log.error({ source }, `${FULL[full].what}, and so is memory: segments are lost. ${FULL[full].mend}`),
      );
    },

    linkOpened: (control: string, generation: number, offsetMs: number) => {
      log.info({ control, generation, offsetMs: Math.round(offsetMs) }, 'link to control is open');
      links.inc();
    },
    linkClosed: (control: string, reason: string) =>
      log.warn({ control, reason }, 'link to control is closed'),
    linkFailed: (control: string, reason: string, nextMs: number) =>
      rarely(`link ${reason}`, () =>
        log.warn({ control, reason, nextMs: Math.round(nextMs) }, 'control cannot be reached'),
      ),
    sourceTaken: (source: string, owner: string) =>
      rarely(`taken ${source}`, () =>
        log.warn(
          { source, owner },
          'another edge owns this source name: rename it, or `livemix sources delete`',
        ),
      ),
    forwardingChanged: ({ source, rendition }: Place, forwarding: boolean) =>
      log.info({ source, rendition }, forwarding ? 'forwarding begins' : 'forwarding ends'),
    stretchOpened: (source: string, first: number, left: number) => {
      log.info({ source, sequence: first, skippedSegments: left }, 'a stretch was opened');
      stretches.inc({ source });
      skipped.inc({ source }, left);
    },
    /** A rendition goes on in a stretch that another one opened, and left so many segments out. */
    liveSkipped: (source: string, rendition: string, first: number, left: number) => {
      if (left === 0) return;
      log.info({ source, rendition, sequence: first, skippedSegments: left }, 'live left segments out');
      skipped.inc({ source }, left);
    },
    segmentSent: (source: string, record: SegmentRecord, again: boolean, took: Millis) => {
      log.debug({ source, sequence: record.sequence, tookMs: Math.round(took) }, 'segment sent');
      sent.inc({ source }, record.bytes);
      if (again) repeated.inc({ source }, record.bytes);
      sendTime.observe(took / 1000);
    },
    recordingDelayed: (source: string, reason: string) => {
      delayed.inc({ source, reason });
      rarely(`recording ${source} ${reason}`, () =>
        log.warn({ source, reason }, 'a recording waits in the spool; delivery is tried again'),
      );
    },
    spoolCorrupt: ({ source }: Place, { sequence }: SegmentRecord) =>
      log.error({ source, sequence }, 'a recorded segment changed on the disk: a gap is stated'),
    keepChanged: (source: string, spans: number) =>
      log.info({ source, spans }, spans > 0 ? 'recording is asked for' : 'recording is no longer asked for'),
    backlogGrows: (percent: number, secondsLeft: number | undefined) =>
      log.warn(
        { percent, ...(secondsLeft !== undefined && { secondsLeft: Math.round(secondsLeft) }) },
        `recordings that wait for control fill ${percent} % of LIVEMIX_SPOOL_BYTES; when it is full, segments are lost`,
      ),
    uplinkFailed: (source: string, reason: string) =>
      rarely(`uplink ${source} ${reason}`, () =>
        log.warn({ source, reason }, 'sending failed; it is tried again'),
      ),
  };
}
