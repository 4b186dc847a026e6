import { describe, expect, test } from 'vitest';
import { BadValue } from '../runtime/setting-types.ts';
import { isStoreUrl, parseStoreUrl, type StoreUrl } from './store-url.ts';

const s3 = { kind: 's3', prefix: '', direct: false } as const;

test.each<[string, StoreUrl]>([
  ['file:///var/lib/livemix', { kind: 'folder', folder: '/var/lib/livemix' }],
  ['file:///var/lib/live%20mix/', { kind: 'folder', folder: '/var/lib/live mix' }],
  ['s3://bucket', { ...s3, bucket: 'bucket' }],
  ['s3://my.bucket-1/', { ...s3, bucket: 'my.bucket-1' }],
  ['s3://bucket/a/b.c/', { ...s3, bucket: 'bucket', prefix: 'a/b.c' }],
  ['s3://bucket?region=eu-central-1', { ...s3, bucket: 'bucket', region: 'eu-central-1' }],
  ['s3://bucket/a?edges=direct', { ...s3, bucket: 'bucket', prefix: 'a', direct: true }],
  [
    's3://bucket/a?endpoint=https://s3.example.org:9000&region=x',
    { ...s3, bucket: 'bucket', prefix: 'a', endpoint: 'https://s3.example.org:9000', region: 'x' },
  ],
  [
    's3://bucket?endpoint=http%3A%2F%2F%5B%3A%3A1%5D%3A80%2Fstore%2F',
    { ...s3, bucket: 'bucket', endpoint: 'http://[::1]/store' },
  ],
])('%s', (url, meaning) => {
  expect(parseStoreUrl(url)).toEqual(meaning);
  expect(isStoreUrl(url)).toBe(true);
});

describe('what is no store URL is refused, and keys are not shown', () => {
  test.each([
    ...['', 'folder', '/var/lib', 'http://host/', 'S3://bucket', 's3:bucket', 's3:///a', 's3://'],
    ...[
      'file:',
      'file:///',
      'file://host/folder',
      'file:relative',
      'file:///a?b',
      'file:///a#b',
      'file:///a%2fb',
    ],
    ...['file:///a%00b', 'file:///%', 's3://Bucket', 's3://b', 's3://-bucket', `s3://${'b'.repeat(64)}`],
    ...['s3://bucket/a//b', 's3://bucket/../a', 's3://bucket/a b', `s3://bucket/${'a'.repeat(401)}`],
    ...['s3://KEY:hunter2@bucket/a', 's3://bucket?key=hunter2', 's3://bucket?edges=no', 's3://bucket?edges='],
    ...['s3://bucket?region=', 's3://bucket?region=a b', 's3://bucket?region=a&region=b', 's3://bucket#a'],
    ...['s3://bucket?endpoint=', 's3://bucket?endpoint=host', 's3://bucket?endpoint=ftp://host'],
    ...['s3://bucket?endpoint=https://hunter2:hunter2@host', 's3://bucket?endpoint=https%3A%2F%2Fhost%3Fa'],
  ])('%s', (url) => {
    expect(isStoreUrl(url)).toBe(false);
    const refused = () => parseStoreUrl(url);
    expect(refused).toThrow(BadValue);
    expect(refused).not.toThrow(/hunter2/);
  });
});
