import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bytesValue,
  choice,
  folderList,
  type HostPort,
  hostPort,
  integer,
  isLoopback,
  originList,
  secondsValue,
  text,
  token,
  urlList,
} from './setting-types.ts';
import { defineSettings, readSettings, SettingsError, setting, type ValuesOf } from './settings.ts';
import { settingsHelp, settingsMarkdown } from './settings-help.ts';

const table = defineSettings({
  listen: setting({
    env: 'LIVEMIX_LISTEN',
    parse: hostPort,
    default: '127.0.0.1:8080',
    help: 'Where to listen.',
  }),
  mediaRoots: setting({
    env: 'LIVEMIX_MEDIA_ROOTS',
    parse: folderList,
    help: 'Folders to read.',
    example: '/srv/a:/srv/b',
  }),
  adminToken: setting({
    env: 'LIVEMIX_ADMIN_TOKEN',
    parse: token,
    help: 'A token.',
    secret: true,
  }),
  viewers: setting({
    env: 'LIVEMIX_VIEWERS',
    parse: choice(['public', 'signed-in', 'link']),
    help: 'Who may watch: a|b.',
  }),
});
const none = { flags: {}, env: {} };

/** The message of what `run` throws. */
function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).not.toMatch(/[\r\n]/);
    return message;
  }
  throw new Error('nothing was thrown');
}

describe('reading settings', () => {
  test('a flag goes over the environment, that over the file, that over the default', () => {
    const flags = { listen: '127.0.0.1:1' };
    const env = { LIVEMIX_LISTEN: '127.0.0.1:2' };
    const file = { listen: '127.0.0.1:3' };
    const portOf = (sources: Partial<Parameters<typeof readSettings>[1]>) =>
      readSettings(table, { ...none, ...sources }).values.listen.port;
    expect(portOf({ flags, env, file })).toBe(1);
    expect(portOf({ env, file })).toBe(2);
    expect(portOf({ file })).toBe(3);
    expect(portOf({})).toBe(8080);
  });

  test('an empty variable counts as not set, and a setting without a default may be undefined', () => {
    const { values } = readSettings(table, { flags: {}, env: { LIVEMIX_LISTEN: '' } });
    expect(values).toEqual({
      listen: { host: '127.0.0.1', port: 8080 },
      mediaRoots: undefined,
      adminToken: undefined,
      viewers: undefined,
    });
  });

  test('the types of the values follow the table', () => {
    type Values = ValuesOf<typeof table>;
    expectTypeOf<Values['listen']>().toEqualTypeOf<HostPort>();
    expectTypeOf<Values['adminToken']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Values['viewers']>().toEqualTypeOf<'public' | 'signed-in' | 'link' | undefined>();
  });

  test('a flag is found as written and as command line parsers name it', () => {
    for (const flags of [{ 'media-roots': '/a' }, { mediaRoots: '/a' }]) {
      expect(readSettings(table, { flags, env: {} }).values.mediaRoots).toEqual(['/a']);
    }
  });

  test('a value that cannot be read is named as it was given', () => {
    const bad = '8080';
    const cases = [
      [{ flags: { listen: bad }, env: {} }, /^--listen: "8080" has no host\. Write 127\.0\.0\.1:8080\.$/],
      [{ flags: {}, env: { LIVEMIX_LISTEN: bad } }, /^LIVEMIX_LISTEN: "8080"/],
      [{ ...none, file: { listen: bad } }, /^listen: "8080"/],
      [{ flags: { listen: '' }, env: {} }, /^--listen: ""/],
    ] as const;
    for (const [sources, message] of cases) {
      expect(messageOf(() => readSettings(table, sources))).toMatch(message);
      expect(() => readSettings(table, sources)).toThrow(SettingsError);
    }
  });

  test('a secret that cannot be read is not shown', () => {
    const message = messageOf(() => readSettings(table, { flags: { 'admin-token': 'hunter2' }, env: {} }));
    expect(message).toMatch(/^--admin-token: .*openssl/);
    expect(message).not.toContain('hunter2');
  });

  test('an odd value stays on its line and is shortened', () => {
    const message = messageOf(() =>
      readSettings(table, { flags: { listen: `a\n\u001b[31m${'x'.repeat(500)}` }, env: {} }),
    );
    expect(message.length).toBeLessThan(300);
  });

  test('a variable that no setting has is a warning with the nearest name', () => {
    const { warnings } = readSettings(table, {
      flags: {},
      env: { LIVEMIX_MEDIA_ROOT: '/a', LIVEMIX_ZZZZZZZZZZZZZZ: '1', HOME: '/root', LIVEMIX_GONE: undefined },
    });
    expect(warnings).toEqual([
      'LIVEMIX_MEDIA_ROOT is not a setting of this command: did you mean LIVEMIX_MEDIA_ROOTS?',
      'LIVEMIX_ZZZZZZZZZZZZZZ is not a setting of this command. See --help.',
    ]);
  });

  test('a key of the file that no setting has is an error with the nearest name', () => {
    for (const key of ['media-root', 'mediaRoots']) {
      expect(messageOf(() => readSettings(table, { ...none, file: { [key]: '/a' } }))).toBe(
        `${key}: There is no such setting: did you mean media-roots?`,
      );
    }
    expect(() => readSettings(table, { ...none, file: { constructor: 1 } })).toThrow(SettingsError);
  });

  test('a list may be a list in the file; other shapes are refused', () => {
    const read = (value: unknown) =>
      readSettings(table, { ...none, file: { 'media-roots': value } }).values.mediaRoots;
    expect(read(['/a', '/b'])).toEqual(['/a', '/b']);
    expect(read('/a:/b')).toEqual(['/a', '/b']);
    expect(read(null)).toBeUndefined();
    for (const value of [{ a: 1 }, [1], ['/a:b'], [['/a']]]) expect(() => read(value)).toThrow(SettingsError);
  });
});

describe('help and documentation', () => {
  test('help names flag, form, variable, default and example', () => {
    const help = settingsHelp(table).join('\n');
    expect(help).toContain(
      '  --listen HOST:PORT\n      Where to listen.\n      [env LIVEMIX_LISTEN; default 127.0.0.1:8080]',
    );
    expect(help).toContain('--media-roots DIR:DIR');
    expect(help).toContain('[env LIVEMIX_MEDIA_ROOTS; no default; for example /srv/a:/srv/b]');
  });

  test('every row of the Markdown table has five cells', () => {
    const lines = settingsMarkdown(table).trimEnd().split('\n');
    expect(lines).toHaveLength(2 + Object.keys(table).length);
    for (const line of lines) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(7);
    expect(lines[3]).toBe(
      '| `--media-roots DIR:DIR` | `LIVEMIX_MEDIA_ROOTS` | `media-roots` | none | Folders to read. Example: `/srv/a:/srv/b` |',
    );
  });
});

describe('types of settings', () => {
  const good = [
    [hostPort, '127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    [hostPort, '[::1]:0', { host: '::1', port: 0 }],
    [hostPort, 'camera-host:65535', { host: 'camera-host', port: 65535 }],
    [secondsValue, '600', 600],
    [secondsValue, '0.5', 0.5],
    [bytesValue, '2GiB', 2 * 2 ** 30],
    [bytesValue, '256 MiB', 256 * 2 ** 20],
    [bytesValue, '1.5KiB', 1536],
    [bytesValue, '1000', 1000],
    [folderList, '/a/../b/:/c::/b', ['/b', '/c']],
    [folderList, '/', ['/']],
    [originList, 'http://Camera.lan:80,https://x:8443/', ['http://camera.lan', 'https://x:8443']],
    [integer(1, 10), '10', 10],
    [integer(-5, 5), '-5', -5],
    [choice(['a', 'b']), 'b', 'b'],
    [text(), 'é 1', 'é 1'],
    [token, 'abcd1234', 'abcd1234'],
  ] as const;
  test.each(good.map(([parse, value, expected]) => ({ form: parse.form, parse, value, expected })))(
    '$form reads $value',
    ({ parse, value, expected }) => expect(parse(value)).toEqual(expected),
  );

  test('URL,URL reads addresses of nodes', () => {
    expect(urlList('https://a.example, http://[::1]:8080/').map((url) => url.href)).toEqual([
      'https://a.example/',
      'http://[::1]:8080/',
    ]);
  });

  const bad = [
    [hostPort, [':8080', '8080', 'a', 'a:', 'a:65536', '::1:80', 'a b:1', 'http://a:1', '[::1]', '']],
    [secondsValue, ['', '-1', '1s', 'x', '1e9', 'Infinity']],
    [bytesValue, ['', '-1', '2 XB', '2GIB', '9999999TiB', '1e3']],
    [folderList, ['a', '/a:b', './a']],
    [originList, ['a', 'ftp://a', 'http://a/b', 'http://a?x', 'http://a#', 'http://u:p@a', 'null']],
    [urlList, ['', ',', 'ws://a', 'http://a/control']],
    [integer(1, 10), ['0', '11', '1.5', '', 'x', '0x1']],
    [choice(['a', 'b']), ['', 'A', 'toString']],
    [text(), ['a\nb', '\u001b']],
    [token, ['', 'short', 'has space in it', 'umläute1234', 'a'.repeat(600)]],
  ] as const;
  test.each(bad.map(([parse, values]) => ({ form: parse.form, parse, values })))(
    '$form refuses what it is not, and says what to write',
    ({ parse, values }) => {
      for (const value of values)
        expect(
          messageOf(() => parse(value)),
          value,
        ).toMatch(/\. [A-Z].*\.$/);
    },
  );

  test('a port alone is mended for both this machine and everyone', () => {
    expect(messageOf(() => hostPort(':8080'))).toMatch(/127\.0\.0\.1:8080.*0\.0\.0\.0:8080/);
  });

  test('loopback is what only this machine reaches', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1']) {
      expect(isLoopback(host), host).toBe(true);
    }
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'a']) {
      expect(isLoopback(host), host).toBe(false);
    }
  });
});
