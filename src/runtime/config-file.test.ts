import { expect, test } from 'vitest';
import { parseConfigFile } from './config-file.ts';
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
