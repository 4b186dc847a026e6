import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Audience, Encoder, playlistText } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

let rig: Rig;
let audience: Audience;

/** One rig for each group, as an edge takes 64 sources. Whatever was asked, the good source plays on. */
function inOneRig(): void {
  beforeAll(async () => {
    rig = await Rig.start();
    mkdirSync(join(rig.encoder.folder, 'inside'));
    symlinkSync('/etc', join(rig.encoder.folder, 'out-of-it'));
    await rig.encoder.publish(3);
    audience = await Audience.of(rig);
    await audience.sees('0/2');
  });
  afterAll(async () => {
    try {
      await rig.encoder.publish(1);
      const last = rig.encoder.made.length - 1;
      await audience.sees(`0/${last}`);
      expect(audience.told()).toEqual(Array.from({ length: last + 1 }, (_, index) => `0/${index}`));
      expect((await rig.source())?.['trouble']).toBeUndefined();
    } finally {
      await rig[Symbol.asyncDispose]();
    }
  });
}

const good = () => rig.encoder.playlist();
let names = 0;
/** A source of its own for each question, so that no rate limit and no state is shared. */
const newName = () => `bad-${names++}`;

async function post(headers: Record<string, string>, body: string | Uint8Array = good()): Promise<Response> {
  return fetch(`${rig.edge.url}/v1/playlist`, { method: 'POST', headers, body });
}

const prefix = (path = '') => `file://${rig.encoder.folder}${path}`;

const variants = (...uris: string[]) =>
  `#EXTM3U\n${uris.map((uri) => `#EXT-X-STREAM-INF:BANDWIDTH=100000\n${uri}\n`).join('')}`;

/** A problem says what and what to do, and nothing of the machine. */
async function expectProblem(response: Response, status: number, code: string): Promise<string> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(text) as Record<string, unknown>;
  expect(problem).toEqual({
    code,
    title: expect.stringMatching(/\S/),
    detail: expect.stringMatching(/\S/),
    hint: expect.stringMatching(/\S/),
    requestId: expect.stringMatching(/\S/),
  });
  const { hint: _, ...told } = problem;
  expect(JSON.stringify(told)).not.toMatch(/\/tmp|\/etc|node_modules|at \S+ \(|\.ts:\d/);
  expect(JSON.stringify(told)).not.toContain(process.cwd());
  return text;
}

describe('Video-Source-Name', () => {
  inOneRig();
  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['beginning with a dot', '.hidden'],
    ['with a slash', 'a/b'],
    ['dots alone', '..'],
    ['with a blank', 'a b'],
    ['with markup', '<script>alert(1)</script>'],
    ['with a percent sign', 'a%2fb'],
    ['65 characters long', 'a'.repeat(65)],
    ['not ASCII', 'cam\u00e9ra'],
  ])('%s is refused', async (_, name) => {
    const headers = {
      'MPEG-TS-URI-Prefix': prefix(),
      ...(name !== undefined && { 'Video-Source-Name': name }),
    };
    const text = await expectProblem(await post(headers), 400, 'bad_source_name');
    if (name && name.length > 2) expect(text).not.toContain(name);
  });

  test('64 characters are a name', async () => {
    const response = await post({ 'Video-Source-Name': 'a'.repeat(64), 'MPEG-TS-URI-Prefix': prefix() });
    expect(response.status, await response.text()).toBe(200);
  });

  test('two names are refused', async () => {
    const headers = new Headers({ 'MPEG-TS-URI-Prefix': prefix() });
    headers.append('Video-Source-Name', newName());
    headers.append('Video-Source-Name', newName());
    await expectProblem(
      await fetch(`${rig.edge.url}/v1/playlist`, { method: 'POST', headers, body: good() }),
      400,
      'bad_source_name',
    );
  });
});

describe('MPEG-TS-URI-Prefix', () => {
  inOneRig();
  const root = () => rig.encoder.folder;
  const malformed: [string, () => string | undefined][] = [
    ['missing', () => undefined],
    ['empty', () => ''],
    ['not a URL', () => 'not a url'],
    ['a bare path', () => root()],
    ['file:a', () => 'file:a'],
    ['with a host', () => `file://host${root()}`],
    ['with four slashes', () => `file:///${root()}`],
    ['with %2f', () => `${prefix()}/a%2fb`],
    ['with %2F', () => `${prefix()}/..%2F..%2Fetc`],
    ['with %5c', () => `${prefix()}/a%5cb`],
    ['with %00', () => `${prefix()}%00`],
    ['with a query', () => `${prefix()}?a=b`],
    ['with a fragment', () => `${prefix()}#a`],
    ['ftp', () => 'ftp://127.0.0.1/a'],
    ['gopher', () => 'gopher://127.0.0.1:11211/_stats'],
    ['data', () => 'data:text/plain,a'],
  ];
  const notAllowed: [string, () => string | undefined][] = [
    ['an origin that is not allowed', () => 'http://127.0.0.1:9'],
    ['an address of the cloud', () => 'http://169.254.169.254/latest/meta-data'],
    ['above the roots', () => `${prefix()}/..`],
    ['above the roots, encoded', () => `${prefix()}/%2e%2e`],
    ['the root of all', () => 'file:///'],
    ['a folder out of the roots', () => 'file:///etc'],
    ['a folder that begins like a root', () => `${prefix()}-not`],
    ['a symlink out of the root', () => `${prefix()}/out-of-it`],
    ['a symlink out of the root, and on', () => `${prefix()}/out-of-it/ssl`],
    ['a file of the system', () => 'file:///etc/passwd'],
  ];
  const cases = [
    ...malformed.map(([what, make]) => [what, make, 400, 'bad_prefix'] as const),
    ...notAllowed.map(([what, make]) => [what, make, 403, 'prefix_not_allowed'] as const),
  ];
  test.each(cases)('%s is refused', async (_, make, status, code) => {
    const value = make();
    const name = newName();
    const headers = {
      'Video-Source-Name': name,
      ...(value !== undefined && { 'MPEG-TS-URI-Prefix': value }),
    };
    await expectProblem(await post(headers), status, code);
    expect((await fetch(`${rig.edge.url}/live/${name}/index.m3u8`)).status).not.toBe(200);
  });

  test('out of the roots, nobody is told whether a folder exists', async () => {
    const ask = async (path: string) => {
      const response = await post({ 'Video-Source-Name': newName(), 'MPEG-TS-URI-Prefix': path });
      const { requestId: _, ...rest } = JSON.parse(await response.text()) as Record<string, unknown>;
      return { status: response.status, ...rest };
    };
    const there = JSON.stringify(await ask('file:///etc/ssl'));
    const notThere = JSON.stringify(await ask('file:///etc/nix'));
    expect(there.replaceAll('/etc/ssl', 'X')).toEqual(notThere.replaceAll('/etc/nix', 'X'));
    const through = JSON.stringify(await ask(`${prefix()}/out-of-it/ssl`));
    const throughNot = JSON.stringify(await ask(`${prefix()}/out-of-it/nix`));
    expect(through.replaceAll('/ssl', 'X')).toEqual(throughNot.replaceAll('/nix', 'X'));
  });

  test.each<[string, () => string]>([
    ['with a slash at its end', () => `${prefix()}/`],
    ['of a folder below', () => `${prefix()}/inside`],
    ['that goes down and up again', () => `${prefix()}/inside/..`],
  ])('a prefix %s is taken', async (_, make) => {
    const response = await post({ 'Video-Source-Name': newName(), 'MPEG-TS-URI-Prefix': make() });
    expect(response.status, await response.text()).toBe(200);
  });
});

describe('what is no playlist', () => {
  inOneRig();
  const entry = (extinf = '#EXTINF:1.000000,', name = 'cam-000.ts') => `${extinf}\n${name}\n`;
  const head = '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n';
  const withBytes = (...bytes: number[]) =>
    Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(entry())]);
  test.each<[string, string | Uint8Array, number, string]>([
    ['nothing', '', 400, 'bad_playlist'],
    ['a page', '<!doctype html><title>no</title>', 400, 'bad_playlist'],
    ['JSON', '{"playlist":1}', 400, 'bad_playlist'],
    ['a list without its first line', head.replace('#EXTM3U\n', '') + entry(), 400, 'bad_playlist'],
    ['a list that begins like one', head.replace('#EXTM3U', '#EXTM3U8') + entry(), 400, 'bad_playlist'],
    ['no EXTINF', `${head}cam-000.ts\n`, 400, 'bad_playlist'],
    ['an EXTINF below 0', head + entry('#EXTINF:-1,'), 400, 'bad_playlist'],
    ['an EXTINF that is NaN', head + entry('#EXTINF:NaN,'), 400, 'bad_playlist'],
    ['an EXTINF that is infinite', head + entry('#EXTINF:Infinity,'), 400, 'bad_playlist'],
    ['an EXTINF of a word', head + entry('#EXTINF:long,'), 400, 'bad_playlist'],
    ['an empty EXTINF', head + entry('#EXTINF:,'), 400, 'bad_playlist'],
    ['an EXTINF above 600', head + entry('#EXTINF:600.1,'), 400, 'bad_playlist'],
    ['an EXTINF of 1e9', head + entry('#EXTINF:1e9,'), 400, 'bad_playlist'],
    ['a NUL', withBytes(0), 400, 'bad_playlist'],
    ['bad UTF-8', withBytes(0x23, 0xc3, 0x28, 0x0a), 400, 'bad_playlist'],
    ['UTF-8 too long', withBytes(0x23, 0xc0, 0xaf, 0x0a), 400, 'bad_playlist'],
    [
      'two EXT-X-MEDIA-SEQUENCE',
      `${head}#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MEDIA-SEQUENCE:1\n${entry()}`,
      400,
      'bad_playlist',
    ],
    [
      'a number above 2^53-1',
      `${head}#EXT-X-MEDIA-SEQUENCE:9007199254740992\n${entry()}`,
      400,
      'bad_playlist',
    ],
    ['a number below 0', `${head}#EXT-X-MEDIA-SEQUENCE:-1\n${entry()}`, 400, 'bad_playlist'],
    ['a line above 4 KiB', `${head}#${'a'.repeat(4200)}\n${entry()}`, 400, 'line_too_long'],
    ['a name above 4 KiB', head + entry(undefined, `${'a'.repeat(4200)}.ts`), 400, 'line_too_long'],
    ['25,001 entries', head + '#EXTINF:1,\na.ts\n'.repeat(25_001), 422, 'too_many_segments'],
  ])('%s is refused', async (_, body, status, code) => {
    const name = newName();
    const headers = { 'Video-Source-Name': name, 'MPEG-TS-URI-Prefix': prefix() };
    const text = await expectProblem(await post(headers, body), status, code);
    if (code === 'bad_playlist') expect(text).toMatch(/line \d+/i);
    expect((await fetch(`${rig.edge.url}/live/${name}/index.m3u8`)).status).not.toBe(200);
    await rig.until('control shows the trouble', async () => {
      const trouble = (await rig.source(name))?.['trouble'] as Record<string, string> | undefined;
      return trouble?.['code'] === code && trouble['detail'] && trouble['hint'];
    });
  });

  test.each([
    ['names a playlist that is not of this source', 422, 'foreign_playlist', variants('../other/low.m3u8')],
    ['names a playlist of another host', 422, 'foreign_playlist', variants('http://10.0.0.9/low.m3u8')],
    [
      'is a bomb',
      422,
      'too_many_renditions',
      variants(...Array.from({ length: 65 }, (_, number) => `low-${number}.m3u8`)),
    ],
  ])('a multivariant playlist that %s', async (_, status, code, body) => {
    const response = await post({ 'Video-Source-Name': newName(), 'MPEG-TS-URI-Prefix': prefix() }, body);
    await expectProblem(response, status, code);
  });

  test('what is refused takes nothing of the source that it names', async () => {
    const before = await (await fetch(rig.lanPlaylistUrl)).text();
    const bad = `${head}#EXT-X-MEDIA-SEQUENCE:3\n${entry()}${entry('#EXTINF:NaN,', 'cam-001.ts')}`;
    await expectProblem(await rig.encoder.post(bad), 400, 'bad_playlist');
    expect(await (await fetch(rig.lanPlaylistUrl)).text()).toBe(before);
    await rig.until('control shows the trouble', async () => (await rig.source())?.['trouble']);
    await rig.encoder.publish(1);
    await audience.sees('0/3');
    await rig.until('the trouble goes', async () => (await rig.source())?.['trouble'] === undefined);
  });
});

describe('names of segments', () => {
  inOneRig();
  test.each([
    ['../cam-000.ts'],
    ['inside/cam-000.ts'],
    ['/etc/passwd.ts'],
    ['..%2fcam-000.ts'],
    ['cam%2d000.ts'],
    ['.hidden.ts'],
    ['-option.ts'],
    ['cam 000.ts'],
    ['cam-000.exe'],
    ['cam-000'],
    ['cam-000.m3u8'],
    ['cam-000.ts?a=b'],
    ['cam\\000.ts'],
    ['file:///etc/passwd'],
    ['http://127.0.0.1:9/cam-000.ts'],
    ['concat:/etc/passwd|a.ts'],
    [`${'a'.repeat(201)}.ts`],
  ])('%s is refused by its line, and the rest is taken', async (bad) => {
    const encoder = new Encoder({ edgeUrl: rig.edge.url, source: newName(), folder: rig.encoder.folder });
    encoder.naming = (sequence) => `${encoder.source}-${sequence}.ts`;
    for (let made = 0; made < 3; made++) await encoder.make();
    const entries = [0, 1, 2].map((sequence) => ({ name: encoder.fileName(sequence), duration: 1 }));
    entries[1] = { name: bad, duration: 1 };
    const response = await encoder.post(playlistText({ mediaSequence: 0, entries }));
    const lan = new Audience([`${rig.edge.url}/live/${encoder.source}/index.m3u8`], encoder.labels);
    await lan.sees('0/2');
    expect(lan.told()).toEqual(['0/0', 'gap', '0/2']);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      refused: [{ line: 8, code: expect.stringMatching(/^\w+$/) }],
    });
  });
});
