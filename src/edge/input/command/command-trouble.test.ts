import { expect, test } from 'vitest';
import { commandTroubles, inputFailed, inputStalled, isPicture, unplayableCodec } from './command-trouble.ts';

test.each([
  ['rtsp: method DESCRIBE failed: 401 Unauthorized', 'password'],
  ['SRT.cn: REJECT reported from HS processing: Incorrect passphrase', 'passphrase'],
  ['rtsp://…@10.0.0.7/nope: Server returned 404 Not Found', 'no stream under this path'],
  ['tcp: Connection to tcp://10.0.0.7:554 failed: Connection refused', 'Nothing listens there'],
  ['rtsp://10.0.0.7/live: Connection timed out', 'does not answer'],
  ['tcp: Failed to resolve hostname cam.example: Name or service not known', 'host name'],
  ['udp://239.0.0.1:1234: Input/output error', 'sender'],
  ['srt: Connection to srt://10.0.0.7:9000?passphrase=… failed: Input/output error', 'listener'],
  ['srt://10.0.0.7:9000: Protocol not found', 'built without'],
  ["Unrecognized option 'rtsp_transprot'.", 'does not know'],
  ['mp4: Could not find tag for codec pcm_mulaw in stream #1', '"-c:a", "aac"'],
  ["mp4: Malformed AAC bitstream detected: use the audio bitstream filter 'aac_adtstoasc'", '"-bsf:a"'],
  ['/dev/video0: Permission denied', 'usermod'],
  ['/dev/video0: No such file or directory', 'plug'],
  ['rtsp://10.0.0.7/live: Invalid data found when processing input', 'no media'],
])('“%s” is told with what to do', (line, hint) => {
  const trouble = inputFailed({ code: 1, signal: null }, [line]);
  expect(trouble).toMatchObject({ code: 'input_failed', hint: expect.stringContaining(hint) });
  expect(trouble.detail).toBe(`ffmpeg ended with 1. It said: ${line}`);
});

test('whatever ffmpeg says, a trouble fits into its message', () => {
  const lines = ['a', 'b', 'c'].map((letter) => letter.repeat(290));
  for (const trouble of [inputFailed({ code: 1, signal: null }, lines), inputStalled(12_345, lines)]) {
    expect(trouble.detail.length).toBeLessThanOrEqual(300);
    expect(trouble.hint.length).toBeLessThanOrEqual(300);
    expect(trouble.detail).toContain('ccc');
  }
  for (const { detail, hint } of Object.values(commandTroubles)) {
    expect(Math.max(detail.length, hint.length)).toBeLessThanOrEqual(300);
  }
});

test('a camera that ended, and one that crashed ffmpeg, are told apart', () => {
  expect(inputFailed({ code: 0, signal: null }, []).detail).toBe('The input has ended. It said nothing.');
  expect(inputFailed({ code: null, signal: 'SIGSEGV' }, []).detail).toBe(
    'ffmpeg was ended by SIGSEGV. It said nothing.',
  );
});

test('a codec that no player would find is seen', () => {
  const line =
    'mpegts: Stream 1, codec pcm_mulaw, is muxed as a private data stream and may not be recognized upon reading.';
  expect(unplayableCodec(line)).toBe('pcm_mulaw');
  expect(unplayableCodec('hls: Timestamps are unset in a packet for stream 0.')).toBeUndefined();
  expect(['pcm_mulaw', 'pcm_alaw', 'adpcm_g726', 'g723_1', 'vorbis'].filter(isPicture)).toEqual([]);
  expect(['mjpeg', 'rawvideo', 'vp8', 'av1'].every(isPicture)).toBe(true);
});
