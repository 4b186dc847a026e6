import { expect, test } from 'vitest';
import { parseConfigFile, readConfigFile } from './config-file.ts';
import { SettingsError } from './settings-error.ts';

test('a YAML file gives its keys and values; an empty one none', () => {
  expect(parseConfigFile('listen: 127.0.0.1:9080\nmedia-roots:\n  - /a\n  - /b\n', 'a.yaml')).toEqual({
    listen: '127.0.0.1:9080',
    'media-roots': ['/a', '/b'],
  });
  expect(parseConfigFile('# nothing\n', 'a.yaml')).toEqual({});
});

const bad = [
  ['listen: [1\nother: 2', /^a\.yaml:2:/],
  ['a: 1\na: 2', /^a\.yaml:2:1: .*unique/],
  ['- 1', /^a\.yaml: /],
  ['text', /^a\.yaml: /],
  ['a: !!js/function x', /^a\.yaml:1:4: /],
  ['a: &x [1]\nb: *x', /^a\.yaml: .*alias/i],
  ['a: 1\n---\nb: 2', /^a\.yaml:2:/],
] as const;
test.each(bad)('%j is refused in one line that says where', (text, message) => {
  let caught: unknown;
  try {
    parseConfigFile(text, 'a.yaml');
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(SettingsError);
  expect((caught as Error).message).toMatch(message);
  expect((caught as Error).message).not.toContain('\n');
});

test('it is known on which line each value stands, and of what is not there, where it would be', () => {
  const text =
    '# sources\na: 1\nb:\n  c: x\n  d: { e: 1,\n    f: 2 }\n  g:\n    - h\n    - i: 1\n      j: 2\n3: x\n';
  const { lineOf } = readConfigFile(text, 'a.yaml');
  const lines = [['a'], ['b'], ['b', 'c'], ['b', 'd', 'f'], ['b', 'g', 1, 'j'], ['b', 'none'], ['none'], [3]];
  expect(lines.map(lineOf)).toEqual([2, 3, 4, 6, 10, 3, 2, 11]);
});
