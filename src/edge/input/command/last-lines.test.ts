import { expect, test } from 'vitest';
import { LastLines } from './last-lines.ts';

const lastLines = () => new LastLines((line) => line.replaceAll('secret', '…'));

test('what was said last is kept, errors before warnings, without ffmpeg’s addresses', () => {
  const lines = lastLines();
  lines.push('[hls @ 0x55] [warning] Timestamps are unset\n[rtsp @ 0x56] [error] method DESC');
  lines.push('RIBE failed: 401 Unauthorized\r\n[error] rtsp://secret@10.0.0.7: Server returned 401');
  expect(lines.newest(3)).toEqual(['rtsp: method DESCRIBE failed: 401 Unauthorized']);
  lines.end();
  expect(lines.newest(3)).toEqual([
    'rtsp: method DESCRIBE failed: 401 Unauthorized',
    'rtsp://…@10.0.0.7: Server returned 401',
  ]);
});

test('warnings are shown where there is nothing worse', () => {
  const lines = lastLines();
  lines.push('[hls @ 0x55] [warning] Timestamps are unset\n');
  expect(lines.newest(3)).toEqual(['hls: Timestamps are unset']);
});

test('a program that says one thing for ever does not push out the rest', () => {
  const lines = lastLines();
  lines.push('[error] the reason\n');
  for (let i = 0; i < 1_000; i += 1) lines.push('[h264 @ 0x1] [error] no frame!\n');
  expect(lines.newest(3)).toEqual(['the reason', 'h264: no frame!']);
});

test('neither many lines nor one without end take room', () => {
  const lines = lastLines();
  for (let i = 0; i < 1_000; i += 1) lines.push(`line ${i}\n`);
  for (let i = 0; i < 1_000; i += 1) lines.push('x'.repeat(10_000));
  lines.end();
  const kept = lines.newest(1_000);
  expect(kept).toHaveLength(8);
  expect(kept.at(-2)).toBe('line 999');
  expect(kept.at(-1)).toBe('x'.repeat(300));
});

test('control characters do not reach a log or a page', () => {
  const lines = lastLines();
  lines.push('\u001b[31mred\u001b[0m \u0000\u0007\n');
  expect(lines.newest(1)).toEqual(['[31mred [0m']);
});

test('each line is seen as it comes', () => {
  const seen: string[] = [];
  const lines = new LastLines(
    (line) => line,
    (line) => seen.push(line),
  );
  lines.push('[mpegts @ 0x1] [warning] one\ntw');
  lines.push('o\n');
  expect(seen).toEqual(['mpegts: one', 'two']);
});
