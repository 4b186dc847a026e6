import { expect, test } from 'vitest';
import { holdsSecret, redact, secretsIn } from './redact.ts';

test.each([
  ['rtsp://admin:s3cr%3At@10.0.0.7:554/live', 'rtsp://…@10.0.0.7:554/live'],
  ["rtsp://admin:it's@10.0.0.7/live", 'rtsp://…@10.0.0.7/live'],
  ['rtsp://admin@10.0.0.7/live', 'rtsp://…@10.0.0.7/live'],
  ['rtsp://a:b@c@10.0.0.7/x@y', 'rtsp://…@10.0.0.7/x@y'],
  [
    'srt://10.0.0.7:9000?mode=caller&passphrase=0123456789&latency=200',
    'srt://10.0.0.7:9000?mode=caller&passphrase=…&latency=200',
  ],
  [
    'rtsp://10.0.0.7/user=admin_password=tl_Jw_channel=1_stream=0.sdp',
    'rtsp://10.0.0.7/user=admin_password=…_channel=1_stream=0.sdp',
  ],
  ['rtsp://10.0.0.7/?user=admin&pwd=&ch=1', 'rtsp://10.0.0.7/?user=admin&pwd=…&ch=1'],
])('%s is shown as %s', (url, shown) => {
  expect(redact(url)).toBe(shown);
  expect(redact(`rtsp: ${url}: Connection refused`)).toBe(`rtsp: ${shown}: Connection refused`);
  expect(holdsSecret(url)).toBe(true);
});

test.each([
  'rtsp://10.0.0.7:554/stream1',
  'srt://10.0.0.7:9000?mode=listener&latency=200',
  'udp://239.0.0.1:1234',
  '/dev/video0',
  'keyint=50:monkey=1',
])('%s is shown as it is', (url) => {
  expect(redact(url)).toBe(url);
  expect(holdsSecret(url)).toBe(false);
});

test('a secret is not shown wherever it stands, as it is written and as a program decodes it', () => {
  const secrets = secretsIn('rtsp://admin:s3cr%3At@10.0.0.7/live?token=abcdefgh');
  expect(secrets).toEqual(['s3cr%3At', 's3cr:t', 'abcdefgh', 'abcdefgh']);
  expect(redact('login s3cr:t failed for abcdefgh', secrets)).toBe('login … failed for …');
});

test('a password of three letters does not blacken every text that has them', () => {
  expect(secretsIn('rtsp://admin:the@10.0.0.7/live')).toEqual([]);
});

test('a line that is made to be slow is not', () => {
  const lines = ['x', 'a://', '_pass', '?pass=_a', '_'].map((part) => part.repeat(16_384 / part.length));
  const startedAt = performance.now();
  for (const line of lines) redact(line);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});
