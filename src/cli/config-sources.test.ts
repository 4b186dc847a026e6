import { describe, expect, test } from 'vitest';
import { readConfigFile } from '../runtime/config-file.ts';
import { readConfigSources } from './config-sources.ts';

const read = (text: string) => readConfigSources(readConfigFile(text, '/etc/livemix/edge.yaml'), 'edge.yaml');

test('every kind of source is read, short and long, beside other settings', () => {
  const { sources, faults } = read(`
listen: 127.0.0.1:0
sources:
  gate: https://cam.example/live/index.m3u8?key=1
  old: { input: "http://user:secret@cam.example/LIVE.M3U8", pull: on-demand }
  yard: rtsp://10.0.0.7/stream1
  pier: { input: "srt://10.0.0.8:9000?mode=caller", pull: always, output: ["-c:v", "copy", "-an"] }
  desk: /dev/video0
  bench:
    ffmpeg: ["-f", "lavfi", "-i", "testsrc2; rm -rf $HOME"]
    output: ["-c:v", "libx264"]
`);
  expect(faults).toEqual([]);
  const copy = ['-c', 'copy'];
  expect(Object.fromEntries(sources.map(({ name, ...rest }) => [name, rest]))).toEqual({
    gate: { input: { kind: 'pull', url: 'https://cam.example/live/index.m3u8?key=1' }, when: 'always' },
    old: { input: { kind: 'pull', url: 'http://user:secret@cam.example/LIVE.M3U8' }, when: 'on-demand' },
    yard: {
      input: {
        kind: 'command',
        input: ['-rtsp_transport', 'tcp', '-i', 'rtsp://10.0.0.7/stream1'],
        output: copy,
      },
      when: 'always',
    },
    pier: {
      input: {
        kind: 'command',
        input: ['-i', 'srt://10.0.0.8:9000?mode=caller'],
        output: ['-c:v', 'copy', '-an'],
      },
      when: 'always',
    },
    desk: {
      input: { kind: 'command', input: ['-f', 'v4l2', '-i', '/dev/video0'], output: copy },
      when: 'always',
    },
    bench: {
      input: {
        kind: 'command',
        input: ['-f', 'lavfi', '-i', 'testsrc2; rm -rf $HOME'],
        output: ['-c:v', 'libx264'],
      },
      when: 'always',
    },
  });
});

test.each(['', 'listen: 127.0.0.1:0', 'sources:', 'sources: {}'])('%j names no source', (text) => {
  expect(read(text)).toEqual({ sources: [], faults: [] });
});

describe('what is wrong is told by its line, and the rest counts', () => {
  const long = 'x'.repeat(5_000);
  test.each<[string, string, RegExp, RegExp]>([
    ['no input', '  bad:', /^edge\.yaml:3: no input/, /rtsp/],
    ['an empty one', '  bad: { pull: always }', /^edge\.yaml:3: no input/, /m3u8/],
    ['a number', '  bad: 5', /^edge\.yaml:3: the input is no URL/, /m3u8/],
    ['a list', '  bad: [http://a/b.m3u8]', /^edge\.yaml:3: the input is no URL/, /m3u8/],
    ['a word', '  bad: { input: camera }', /^edge\.yaml:3: the input is no URL/, /m3u8/],
    ['a long URL', `  bad: http://a/${long}.m3u8`, /^edge\.yaml:3: the input is no URL/, /m3u8/],
    ['a line break', '  bad: "rtsp://a/\\nb"', /^edge\.yaml:3: the input is no URL/, /m3u8/],
    ['an unknown scheme', '  bad: ftp://user:secret@a/b.m3u8', /:3: this kind of input/, /rtsp/],
    ['a file', '  bad: file:///etc/passwd.m3u8', /:3: this kind of input/, /rtsp/],
    ['another device', '  bad: /dev/sda', /:3: the input is no URL/, /video/],
    ['a page', '  bad: http://user:secret@a/b.html', /:3: the path of the URL does not end/, /ffmpeg: /],
    [
      'an unknown key',
      '  bad:\n    input: rtsp://a/\n    pul: always',
      /:5: a source has no "pul"/,
      /pull\?/,
    ],
    ['a far key', '  bad:\n    input: rtsp://a/\n    xxxxxxxx: 1', /:5: a source has no "x+"/, /input, pull/],
    ['when', '  bad:\n    input: rtsp://a/\n    pull: sometimes', /:5: pull is neither/, /one of them/],
    ['two ways', '  bad:\n    input: rtsp://a/\n    ffmpeg: ["-i", "x"]', /:5: both input and ffmpeg/, /one/],
    ['a shell string', '  bad:\n    ffmpeg: "-i x | sh"', /:4: ffmpeg is no list/, /no shell/],
    ['no word', '  bad: { ffmpeg: [] }', /:3: ffmpeg is no list/, /\["-f", "lavfi"/],
    ['no -i', '  bad: { ffmpeg: ["-f", "lavfi"] }', /:3: ffmpeg is told no input/, /"-i"/],
    [
      'a number as word',
      '  bad:\n    ffmpeg:\n      - "-i"\n      - 5',
      /:6: an argument of ffmpeg/,
      /quotes/,
    ],
    ['a NUL', '  bad: { ffmpeg: ["-i", "a\\0b"] }', /:3: an argument of ffmpeg/, /quotes/],
    ['a long word', `  bad: { ffmpeg: ["-i", "${long}"] }`, /:3: an argument of ffmpeg/, /4096/],
    ['many words', `  bad: { ffmpeg: [${'"-i",'.repeat(300)}] }`, /:3: ffmpeg is too long/, /256/],
    [
      'an output',
      '  bad:\n    input: http://a/b.m3u8\n    output: [x]',
      /:5: a playlist is taken as it/,
      /ffmpeg: /,
    ],
    [
      'output as text',
      '  bad:\n    input: rtsp://a/\n    output: -c copy',
      /:5: output is no list/,
      /output: \[/,
    ],
  ])('%s', (_, text, detail, hint) => {
    const { sources, faults } = read(`sources:\n  one: rtsp://a/\n${text}\n  two: rtsp://b/\n`);
    expect(sources.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(faults).toEqual([
      { name: 'bad', detail: expect.stringMatching(detail), hint: expect.stringMatching(hint) },
    ]);
    expect(JSON.stringify(faults)).not.toContain('secret');
    expect(faults[0]!.detail.length).toBeLessThan(300);
    expect(faults[0]!.hint.length).toBeLessThan(300);
  });

  test('a name that no source can have is told without it', () => {
    const { sources, faults } = read('sources:\n  "a/b": rtsp://a/\n  ok: rtsp://a/\n');
    expect(sources.map(({ name }) => name)).toEqual(['ok']);
    expect(faults).toEqual([
      { detail: 'edge.yaml:2: a source cannot have this name.', hint: expect.stringContaining('letters') },
    ]);
  });
});

test.each(['sources: 5', 'sources: [rtsp://a/]', 'sources: rtsp://a/'])('%j is no file to go by', (text) => {
  expect(() => read(`listen: 127.0.0.1:0\n${text}`)).toThrow(/^edge\.yaml:2: These are no sources\. Write/);
});
