import { expect, test } from 'vitest';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { PushedFiles } from './pushed-files.ts';
import { PushedFolder } from './pushed-folder.ts';
import { SmallFiles } from './small-files.ts';

const folder = (path: string) => {
  const spool = { readPart: async () => Buffer.alloc(0) };
  const files = new PushedFiles(new FakeClock(), 1_000, spool, SmallFiles.empty('/nowhere/small.json'));
  return new PushedFolder(files, { source: 'vault', folder: path, name: 'index.m3u8', kind: 'playlist' });
};

test.each([
  ['', '/v1/ingest/vault/index.m3u8.key', 'index.m3u8.key'],
  ['', '/v1/ingest/vault?cid=x&file=out.m3u8.key', 'out.m3u8.key'],
  ['high/', '/v1/ingest/vault/master.m3u8.key', '../master.m3u8.key'],
  ['a/b/', '/v1/ingest/vault/keys/one.key?x=1', '../../keys/one.key'],
  ['', '/v1/ingest/vault2/one.key', undefined],
  ['', '/v1/ingest/other/one.key', undefined],
  ['', '/keys/v1/ingest/vault/one.key', undefined],
])('from %j, what was pushed to %s is %j', (path, target, uri) => {
  expect(folder(path).uriAt(target)).toBe(uri);
});

test('where nothing can be pushed to, of its own source, is no address for viewers', () => {
  expect(() => folder('').uriAt('/v1/ingest/vault/%v/index.m3u8.key')).toThrow(/nothing can be pushed/);
});
