import { describe, expect, test } from 'vitest';
import { ffmpegArguments, reachable } from './ffmpeg-arguments.ts';

const push = { source: 'gate', edgeUrl: 'http://127.0.0.1:9080', ingestToken: undefined, life: 'ab1' };
const told = (input: readonly string[], options: { output?: readonly string[]; major?: number } = {}) =>
  ffmpegArguments({ input, output: options.output ?? ['-c', 'copy'] }, push, options.major ?? 5);
/** What stands ahead of the output. */
const inputWords = (input: readonly string[], major = 5) => {
  const { words } = told(input, { major });
  return words.slice(words.indexOf('level+warning') + 1, words.indexOf('-hls_time')).join(' ');
};

test('a camera is copied, not encoded, and pushed to this edge', () => {
  expect(told(['-i', 'rtsp://10.0.0.7/live']).words).toEqual([
    ...['-nostdin', '-nostats', '-hide_banner', '-loglevel', 'level+warning'],
    ...['-rtsp_transport', 'tcp', '-timeout', '10000000', '-i', 'rtsp://10.0.0.7/live'],
    ...['-hls_time', '2', '-hls_list_size', '5', '-c', 'copy', '-f', 'hls', '-method', 'PUT'],
    ...['-hls_segment_filename', 'http://127.0.0.1:9080/v1/ingest/gate/rab1-%06d.ts'],
    'http://127.0.0.1:9080/v1/ingest/gate/index.m3u8',
  ]);
});

describe('a dead input ends ffmpeg', () => {
  test.each([
    ['rtsps://c/s', '-rtsp_transport tcp -timeout 10000000'],
    ['rtmp://c/a/s', '-rw_timeout 10000000'],
    ['rtmps://c/a/s', '-rw_timeout 10000000'],
    ['srt://c:9000', '-timeout 10000000'],
    ['udp://239.0.0.1:1234', '-timeout 10000000'],
    ['https://c/a.flv', '-rw_timeout 10000000'],
  ])('%s gets %s', (url, words) => expect(inputWords(['-i', url])).toBe(`${words} -i ${url}`));

  test('what the operator says stays, and only the rest is added', () => {
    expect(inputWords(['-rtsp_transport', 'udp', '-i', 'rtsp://c/s'])).toBe(
      '-rtsp_transport udp -timeout 10000000 -i rtsp://c/s',
    );
    expect(inputWords(['-timeout', '5', '-i', 'srt://c:9000'])).toBe('-timeout 5 -i srt://c:9000');
    expect(inputWords(['-i', 'udp://c:1?timeout=5'])).toBe('-i udp://c:1?timeout=5');
  });

  test('before ffmpeg 5 RTSP calls it -stimeout: -timeout makes it wait for a caller', () => {
    expect(inputWords(['-i', 'rtsp://c/s'], 4)).toBe('-rtsp_transport tcp -stimeout 10000000 -i rtsp://c/s');
  });

  test('an RTMP listener waits as long as it takes', () => {
    const input = ['-listen', '1', '-i', 'rtmp://0.0.0.0:1935/live/s'];
    expect(inputWords(input)).toBe('-listen 1 -i rtmp://0.0.0.0:1935/live/s');
    expect(told(input).listens).toBe(true);
  });

  test.each([
    ['srt://0.0.0.0:9000?mode=listener', true],
    ['srt://c:9000?mode=caller', false],
    ['udp://239.0.0.1:1234', true],
    ['rtsp://c/s', false],
  ])('%s waits to be called: %s', (url, listens) => expect(told(['-i', url]).listens).toBe(listens));
});

test('any inputs of ffmpeg’s go through, each with what belongs to it', () => {
  expect(inputWords(['-re', '-f', 'lavfi', '-i', 'testsrc2', '-i', 'rtsp://c/s', '-shortest'])).toBe(
    '-re -f lavfi -i testsrc2 -rtsp_transport tcp -timeout 10000000 -i rtsp://c/s -shortest',
  );
  expect(inputWords(['-f', 'v4l2', '-i', '/dev/video0'])).toBe('-f v4l2 -i /dev/video0');
});

test('what the operator says of the output rules over lengths, not over where it goes', () => {
  const { words } = told(['-i', 'a'], {
    output: ['-c', 'copy', '-hls_time', '4', '-method', 'POST', '-f', 'mp4'],
  });
  const text = words.join(' ');
  expect(text).toMatch(/-hls_time 2 .*-hls_time 4 .*-method POST -f mp4 -f hls -method PUT/);
});

test('fMP4 gets names of fMP4', () => {
  const text = told(['-i', 'a'], { output: ['-c', 'copy', '-hls_segment_type', 'fmp4'] }).words.join(' ');
  expect(text).toContain('rab1-%06d.m4s');
  expect(text).toContain('-hls_fmp4_init_filename rab1-init.mp4');
});

describe('other users of the machine see no secret in the arguments', () => {
  test('the ingest token goes into a file that only ffmpeg has', () => {
    const token = 'a-token-0123456789';
    const { words, files, shown, secrets } = ffmpegArguments(
      { input: ['-i', '/dev/video0'], output: [] },
      { ...push, ingestToken: token },
      5,
    );
    expect(words.join(' ')).not.toContain(token);
    expect(words.join(' ')).toContain('-fpre /dev/fd/3');
    expect(files).toEqual([`headers=Authorization: Bearer ${token}\n`]);
    expect(shown).not.toContain(token);
    expect(secrets).toContain(token);
  });

  test('so does a URL with a password, and its options', () => {
    const url = "rtsp://admin:it's%20me@10.0.0.7/live";
    const { words, files, secrets, shown } = ffmpegArguments(
      { input: ['-i', url], output: [] },
      { ...push, ingestToken: 'a-token-0123456789' },
      5,
    );
    expect(words.join(' ')).toMatch(
      /-f concat -safe 0 -protocol_whitelist \S+ -i \/dev\/fd\/3 .*-fpre \/dev\/fd\/4/,
    );
    expect(words.join(' ')).not.toContain('admin');
    expect(shown).toContain(' -rtsp_transport tcp -timeout 10000000 -i rtsp://…@10.0.0.7/live ');
    expect(files[0]).toBe(
      [
        'ffconcat version 1.0',
        "file 'rtsp://admin:it'\\''s%20me@10.0.0.7/live'",
        "option rtsp_transport 'tcp'",
        "option timeout '10000000'",
        '',
      ].join('\n'),
    );
    expect(secrets).toEqual(expect.arrayContaining(["it's me", "it's%20me"]));
  });

  test('so does a passphrase of SRT, in the URL or beside it', () => {
    for (const input of [
      ['-i', 'srt://c:9000?passphrase=0123456789'],
      ['-passphrase', '0123456789', '-i', 'srt://c:9000'],
    ]) {
      const { words, files, shown } = told(input);
      expect(words.join(' ')).not.toContain('0123456789');
      expect(files.join()).toContain('0123456789');
      expect(shown).not.toContain('0123456789');
    }
  });

  test.each([
    ['an option that only the command line takes', ['-re', '-i', 'rtsp://u:password@c/s'], 5],
    ['two inputs', ['-i', 'rtsp://u:password@c/s', '-i', 'rtsp://u:password@c/t'], 5],
    ['ffmpeg 4', ['-i', 'rtsp://u:password@c/s'], 4],
  ])('but with %s it stands there, and is shown nowhere else', (_, input, major) => {
    const { words, files, shown } = told(input, { major });
    expect(words).toContain('rtsp://u:password@c/s');
    expect(files).toEqual([]);
    expect(shown).not.toContain('password');
  });
});

test.each([
  ['http://0.0.0.0:9080', 'http://127.0.0.1:9080'],
  ['http://[::]:9080/', 'http://[::1]:9080'],
  ['http://10.0.0.2:9080', 'http://10.0.0.2:9080'],
])('an edge that listens at %s is reached at %s', (listen, url) => expect(reachable(listen)).toBe(url));
