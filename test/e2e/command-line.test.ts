import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { playWithFfmpeg, pushWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { Prober } from '../support/prober.ts';
import { startLiveMix } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-cli-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], env: Record<string, string> = {}) {
  await using running = startLiveMix(args, env);
  const code = await running.ended();
  return { code, stdout: running.stdout, stderr: running.stderr };
}

describe('wrong usage and settings end with 2 and one line that names the mend', () => {
  const wrong: [string, string[], Record<string, string>, RegExp][] = [
    ['no such command', ['edgge'], {}, /unknown command 'edgge'/],
    [
      'no such command of a group',
      ['recordings', 'bogus'],
      {},
      /unknown command 'bogus' of 'recordings'.*rebuild/,
    ],
    [
      'a command of a group misspelt',
      ['sources', 'shwo', 'x'],
      {},
      /unknown command 'shwo'.*Did you mean show\?/,
    ],
    ['too much for a command', ['recordings', 'list', 'x'], {}, /too many arguments for 'list'/],
    [
      'a store to rebuild from that is not there',
      ['recordings', 'rebuild', '--store-url', `file://${join(folder, 'mistyped')}`],
      {},
      /LIVEMIX_STORE_URL.*no folder \/.*mistyped/,
    ],
    [
      'a data dir to rebuild from that is not there',
      ['recordings', 'rebuild'],
      {},
      /LIVEMIX_DATA_DIR.*no folder/,
    ],
    ['no such flag', ['edge', '--media-root', '/tmp'], {}, /--media-root/],
    ['a listen address without a host', ['edge', '--listen', '9080'], {}, /--listen.*127\.0\.0\.1:9080/],
    [
      'an edge beyond loopback without a token',
      ['edge'],
      { LIVEMIX_LISTEN: '0.0.0.0:0' },
      /LIVEMIX_INGEST_TOKEN/,
    ],
    [
      'control beyond loopback without tokens',
      ['control'],
      { LIVEMIX_LISTEN: '0.0.0.0:0' },
      /LIVEMIX_EDGE_TOKEN.*LIVEMIX_ADMIN_TOKEN.*LIVEMIX_VIEWERS=public/,
    ],
    ['a cache URL', ['control'], { LIVEMIX_CACHE_URL: 'redis://x' }, /LIVEMIX_CACHE_URL.*memcached:\/\//],
    [
      'a database that is not built yet',
      ['control'],
      { LIVEMIX_DATABASE_URL: 'postgres://x' },
      /LIVEMIX_DATABASE_URL.*sqlite:/,
    ],
    ['a relative media root', ['edge'], { LIVEMIX_MEDIA_ROOTS: 'hls' }, /LIVEMIX_MEDIA_ROOTS.*absolute/],
    ['an edge name', ['edge', '--edge-name', 'a b'], {}, /LIVEMIX_EDGE_NAME/],
    [
      'a config file that is not there',
      ['edge', '--config', '/nowhere.yaml'],
      {},
      /--config.*\/nowhere\.yaml/,
    ],
  ];
  test.each(wrong)('%s', async (_, args, env, message) => {
    const { code, stderr } = await run(args, { LIVEMIX_DATA_DIR: join(folder, 'wrong'), ...env });
    expect(stderr.trim()).toMatch(message);
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/\n\s+at /);
    if (args.includes('rebuild')) {
      for (const name of ['mistyped', 'wrong/store']) expect(existsSync(join(folder, name))).toBe(false);
    }
  });
});

test('help teaches the settings, and a variable that no setting has is a warning', async () => {
  const help = await run(['edge', '--help']);
  expect(help.code).toBe(0);
  for (const word of ['--media-roots', 'LIVEMIX_MEDIA_ROOTS', '127.0.0.1:9080', '--config'])
    expect(help.stdout).toContain(word);
  const unreachable = await run(['sources'], {
    LIVEMIX_CONTROL_URL: 'http://127.0.0.1:9',
    LIVEMIX_CONTROL_URLS: 'x',
  });
  expect(unreachable.code).toBe(1);
  expect(unreachable.stderr).toContain('LIVEMIX_CONTROL_URLS');
  expect(unreachable.stderr).toContain('Is it running?');
});

test('the demo prints its two URLs, plays without a break, refuses a second one, and ends cleanly', async () => {
  const dataDir = join(folder, 'demo');
  const args = ['demo', '--listen', '127.0.0.1:0', '--edge-listen', '127.0.0.1:0', '--data-dir', dataDir];
  await using demo = startLiveMix(args);
  const playlist = (await demo.printed(/^Playlist {2}URL (\S+)$/m))[1]!;
  expect((await demo.printed(/^Page {2}URL (\S+)$/m))[1]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
  expect(demo.stdout.trim().split('\n')).toHaveLength(2);

  const prober = new Prober({ url: playlist, mustAnswer200: true, timestamps: true });
  const following = new AbortController();
  const probing = prober.run({ everyMs: 500, signal: following.signal });
  const { code, complaints } = await playWithFfmpeg(playlist, 14);
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
  following.abort();
  await probing;
  expect(prober.violations).toEqual([]);

  const second = await run(args);
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(/in use/);

  const before = performance.now();
  demo.signal('SIGTERM');
  expect(await demo.ended()).toBe(0);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('an operator lists, switches and deletes sources; a config file is read', async () => {
  await using nodes = await Nodes.start({ control: { LIVEMIX_ADMIN_TOKEN: 'a-secret-of-mine' } });
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'gate',
    folder: nodes.media,
    size: '160x90',
  });
  await until('the source appears', () => nodes.source('gate'));
  const config = join(folder, 'operator.yaml');
  writeFileSync(config, `control-url: ${nodes.controlUrl}\n`);

  const list = await run(['sources', '--config', config]);
  expect(list.stdout).toMatch(/^gate +(idle|offline) +on-demand +edge-1/m);
  const refused = await run(['sources', 'mode', 'gate', 'always', '--config', config]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('LIVEMIX_ADMIN_TOKEN');
  const token = { LIVEMIX_ADMIN_TOKEN: 'a-secret-of-mine', LIVEMIX_CONTROL_URL: nodes.controlUrl };
  expect((await run(['sources', 'mode', 'gate', 'always'], token)).stdout).toMatch(/gate +\S+ +always/);
  await until('it is forwarded', async () => (await nodes.source('gate'))?.['state'] === 'live');
  expect((await run(['sources', 'mode', 'gate', 'sometimes'], token)).stderr).toContain('bad_mode');
  expect((await run(['sources', 'show', 'nothing'], token)).stderr).toContain('source_unknown');
  expect((await run(['sources', 'delete', 'gate'], token)).code).toBe(0);
});
