import { expect, test } from 'vitest';
import { createLog, type LogOptions } from './log.ts';

const hostile = 'a\r\nb\u001b[31m\u009b2J\u2028\u0000"\u007f\u202e';

function record(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (text: string) => lines.push(text) };
  return { lines, log: createLog({ level: 'info', name: 'edge', destination, ...options }) };
}

const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/;

test('an event is one JSON line with ISO time, level, name and message', () => {
  const { lines, log } = record();
  log.info({ source: 'camera-0', sequence: 7 }, 'segment sent');
  log.debug('not said');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    name: 'edge',
    source: 'camera-0',
    sequence: 7,
    msg: 'segment sent',
  });
});

test.each([false, true])(
  'nothing from outside breaks a line or reaches a terminal (pretty: %s)',
  (pretty) => {
    const { lines, log } = record({ pretty });
    log.warn(
      { source: hostile, headers: { [hostile]: hostile }, [hostile]: 1, err: new Error(hostile) },
      `refused ${hostile}`,
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
    expect(lines[0]).not.toMatch(raw);
    if (!pretty) expect(JSON.parse(lines[0]!).source).toBe(hostile);
  },
);

test('people read time, level, name, message and key=value', () => {
  const { lines, log } = record({ pretty: true });
  log.error(
    { source: 'camera-0', note: 'two words', list: [1, 2], err: new Error('broken pipe') },
    'segment lost',
  );
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} ERROR edge segment lost source=camera-0 note="two words" list=\[1,2\] err="broken pipe"\n$/,
  );
});
