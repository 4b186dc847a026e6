// What encoders are run with to see what they write: every producer and flag that is known to shape an HLS playlist.

const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-b:v', '60k'];
const sound = ['-c:a', 'aac', '-b:a', '32k'];
const keyFrames = ['-g', '50', '-sc_threshold', '0'];
const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=128x72:rate=25'];
const tone = ['-re', '-f', 'lavfi', '-i', 'sine=440:sample_rate=48000'];
const source = [...picture, ...tone];
const coded = [...source, ...video, ...keyFrames, ...sound];
const hls = ['-f', 'hls', '-hls_time', '2', '-hls_list_size', '4'];
const headers = ['-headers', 'Video-Source-Name: SOURCE\r\n', '-method', 'POST'];

/** Segments in a folder, playlists posted. */
const posting = (...flags) => [
  ...['-t', '13', ...hls, ...headers, '-hls_segment_filename', 'FOLDER/cam-%03d.ts', ...flags],
  'URL/v1/playlist',
];
/** Everything pushed. */
const pushing = (...flags) => [
  '-t',
  '13',
  ...hls,
  '-method',
  'PUT',
  ...flags,
  'URL/v1/ingest/SOURCE/index.m3u8',
];
const fmp4 = ['-hls_segment_type', 'fmp4'];
const encrypted = ['-hls_enc', '1', '-hls_enc_key', '0123456789abcdef'];

/**
 * `runs`: arguments of ffmpeg, one life after the other. `restartAfter`: seconds until the life before is killed.
 * `stall`: seconds from and to which it stands still. FOLDER, URL and SOURCE are put in.
 */
export const cases = {
  posted: { runs: [[...coded, ...posting()]] },
  'posted-event': { runs: [[...coded, ...posting('-hls_playlist_type', 'event')]] },
  'posted-temp-file': { runs: [[...coded, ...posting('-hls_flags', 'temp_file')]] },
  'posted-epoch-numbers': { runs: [[...coded, ...posting('-hls_start_number_source', 'epoch')]] },
  'posted-discont-start': {
    runs: [[...coded, ...posting('-hls_flags', 'discont_start+independent_segments')]],
  },
  'posted-date-times': { runs: [[...coded, ...posting('-hls_flags', 'program_date_time')]] },
  'posted-rounded': { runs: [[...coded, ...posting('-hls_flags', 'round_durations')]] },
  'posted-omit-end': { runs: [[...coded, ...posting('-hls_flags', 'omit_endlist')]] },
  'posted-i-frames': { runs: [[...coded, ...posting('-hls_flags', 'iframes_only')]] },
  'posted-delete': {
    runs: [[...coded, ...posting('-hls_flags', 'delete_segments', '-hls_delete_threshold', '3')]],
  },
  'posted-single-file': {
    runs: [[...coded, ...posting('-hls_flags', 'single_file', '-hls_segment_filename', 'FOLDER/cam.ts')]],
  },
  'posted-fmp4': { runs: [[...coded, ...posting(...fmp4, '-hls_segment_filename', 'FOLDER/cam-%03d.m4s')]] },
  'posted-fmp4-single-file': {
    runs: [
      [...coded, ...posting(...fmp4, '-hls_flags', 'single_file', '-hls_segment_filename', 'FOLDER/cam.mp4')],
    ],
  },
  'posted-aes-128': { runs: [[...coded, ...posting(...encrypted)]] },
  'posted-six-seconds': {
    runs: [
      [
        ...[...source, ...video, '-force_key_frames', '0,2,4,10,12', '-g', '9999', '-sc_threshold', '0'],
        ...[...sound, ...posting()],
      ],
    ],
  },
  'posted-split-by-time': {
    runs: [
      [
        ...source,
        ...video,
        '-g',
        '75',
        ...sound,
        ...posting('-hls_flags', 'split_by_time', '-hls_time', '1'),
      ],
    ],
  },
  'posted-strftime': {
    runs: [[...coded, ...posting('-strftime', '1', '-hls_segment_filename', 'FOLDER/cam-%Y%m%d-%H%M%S.ts')]],
  },
  'posted-stall': { runs: [[...coded, ...posting('-hls_flags', 'program_date_time')]], stall: [5.5, 10] },
  'posted-restart': {
    runs: [
      [...coded, ...posting()],
      [...coded, ...posting()],
    ],
    restartAfter: 9.5,
  },
  pushed: { runs: [[...coded, ...pushing()]] },
  'pushed-persistent': { runs: [[...coded, ...pushing('-http_persistent', '1')]] },
  'pushed-delete': { runs: [[...coded, ...pushing('-hls_flags', 'delete_segments')]] },
  'pushed-append-restart': {
    runs: Array(2).fill([...coded, ...pushing('-hls_flags', 'append_list')]),
    restartAfter: 9.5,
  },
  'pushed-fmp4': { runs: [[...coded, ...pushing(...fmp4)]] },
  'pushed-fmp4-init-resent': { runs: [[...coded, ...pushing(...fmp4, '-hls_fmp4_init_resend', '1')]] },
  'pushed-aes-128': { runs: [[...coded, ...pushing(...encrypted)]] },
  'pushed-rekeyed': {
    runs: [[...coded, ...pushing('-hls_flags', 'periodic_rekey', '-hls_key_info_file', 'FOLDER/key-info')]],
    keyInfo: true,
  },
  'pushed-ladder': {
    runs: [
      [
        ...[
          ...source,
          ...source,
          '-i',
          'FOLDER/words.vtt',
          '-map',
          '0:v',
          '-map',
          '2:v',
          '-map',
          '1:a',
          '-map',
          '4:s',
        ],
        ...[...video, ...keyFrames, '-filter:v:1', 'scale=64:36', ...sound, '-c:s', 'webvtt'],
        ...['-var_stream_map', 'v:0,agroup:aud,sgroup:subs,s:0 v:1,agroup:aud a:0,agroup:aud,default:yes'],
        ...['-t', '13', ...hls, '-method', 'PUT', '-master_pl_name', 'master.m3u8'],
        ...['-hls_segment_filename', 'URL/v1/ingest/SOURCE/%v-%d.ts', 'URL/v1/ingest/SOURCE/%v.m3u8'],
      ],
    ],
    words: true,
  },
  'pushed-dash': {
    runs: [
      [
        ...[
          ...coded,
          '-t',
          '13',
          '-f',
          'dash',
          '-seg_duration',
          '2',
          '-window_size',
          '4',
          '-hls_playlist',
          '1',
        ],
        ...['-method', 'PUT', 'URL/v1/ingest/SOURCE/manifest.mpd'],
      ],
    ],
  },
  'segment-muxer': {
    runs: [
      [
        ...[...coded, '-t', '13', '-f', 'segment', '-segment_time', '2', '-segment_list_size', '4'],
        ...['-segment_list_flags', '+live', '-segment_list', 'URL/v1/ingest/SOURCE/index.m3u8'],
        'URL/v1/ingest/SOURCE/cam-%03d.ts',
      ],
    ],
  },
  'segment-muxer-aac': {
    runs: [
      [
        ...[...tone, ...sound, '-t', '13', '-f', 'segment', '-segment_time', '2', '-segment_list_size', '4'],
        ...['-segment_list_flags', '+live', '-segment_list', 'URL/v1/ingest/SOURCE/index.m3u8'],
        'URL/v1/ingest/SOURCE/cam-%03d.aac',
      ],
    ],
  },
  'gstreamer-hlssink2': {
    command: 'gst-launch-1.0',
    runs: [
      [
        ...[
          '-e',
          'videotestsrc',
          'is-live=true',
          'num-buffers=325',
          '!',
          'video/x-raw,width=128,height=72,framerate=25/1',
        ],
        ...[
          '!',
          'x264enc',
          'tune=zerolatency',
          'bitrate=60',
          'key-int-max=50',
          '!',
          'h264parse',
          '!',
          'hlssink2',
        ],
        ...['target-duration=2', 'playlist-length=4', 'max-files=20', 'location=FOLDER/segment%05d.ts'],
        'playlist-location=FOLDER/playlist.m3u8',
      ],
    ],
    watches: 'playlist.m3u8',
  },
};
