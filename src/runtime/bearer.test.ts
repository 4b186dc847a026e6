import { expect, test } from 'vitest';
import { showsToken } from './bearer.ts';

const shows = (authorization: string | undefined, basic = false) =>
  showsToken({ headers: { authorization } }, 'sécret-token:1', { basic });
const basicOf = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

test('a bearer token is recognised, whatever the case of the scheme', () => {
  expect(showsToken({ headers: { authorization: 'Bearer abcd1234' } }, 'abcd1234', { basic: false })).toBe(
    true,
  );
  expect(showsToken({ headers: { authorization: 'bEARER  abcd1234 ' } }, 'abcd1234', { basic: false })).toBe(
    true,
  );
});

test('the password of any user is recognised where Basic is allowed', () => {
  expect(shows(basicOf('camera:sécret-token:1'), true)).toBe(true);
  expect(shows(basicOf(':sécret-token:1'), true)).toBe(true);
  expect(shows(basicOf('camera:sécret-token:1'), false)).toBe(false);
  expect(shows(basicOf('sécret-token:1'), true)).toBe(false);
  expect(shows(basicOf('no colon'), true)).toBe(false);
});

test('anything else is not', () => {
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Digest a',
    'sécret-token:1',
    'Basic !!!',
  ]) {
    expect(shows(header, true), String(header)).toBe(false);
  }
});
