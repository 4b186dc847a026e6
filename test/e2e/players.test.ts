import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { Browser } from '../support/chromium.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { pushWithFfmpeg } from '../support/ffmpeg.ts';
import { startMemcached } from '../support/memcached.ts';
import { Nodes, until } from '../support/nodes.ts';
import { players, startPlayerSite } from '../support/player-page.ts';
import { allPlayOn } from '../support/plays-on.ts';
import { Prober } from '../support/prober.ts';

test('hls.js, Shaka and Chromium’s own player play on over every fault', async () => {
  await using memcached = await startMemcached({ args: ['-I', '32m', '-m', '96'] });
  let proxy: FaultProxy | undefined;
  await using nodes = await Nodes.start({ control: { LIVEMIX_CACHE_URL: memcached.url } }, async (url) => {
    proxy = await startFaultProxy(url);
    return proxy.url;
  });
  await using link = proxy!;
  const push = { edgeUrl: nodes.edgeUrl, source: 'camera-0', folder: nodes.media, size: '160x90' };
  let ffmpeg = pushWithFfmpeg(push);
  await until('the source appears', () => nodes.source('camera-0'));
  await using site = await startPlayerSite();
  await using browser = await Browser.start();
  const pages = new Map<string, Page>();
  for (const player of players) {
    const { page } = await browser.open(
      `${site.url}/${player}?${encodeURIComponent(nodes.playlistUrl('camera-0'))}`,
    );
    pages.set(player, page);
  }
  const prober = new Prober({ url: nodes.playlistUrl('camera-0') });
  const following = new AbortController();
  const probing = prober.run({ everyMs: 1_000, signal: following.signal });
  const times: Record<string, string> = {};
  const expectAllToPlayOn = (after: string) => {
    const since = performance.now();
    return allPlayOn(pages, after, (player) => {
      times[`${after}, ${player}`] = `${((performance.now() - since) / 1000).toFixed(1)} s`;
    });
  };

  await expectAllToPlayOn('the start');

  // Long before control's restart: a segment that has left the list is then in memcached alone.
  await memcached.restart();
  await pages.get('shaka')!.waitForTimeout(3_000);
  await expectAllToPlayOn('a memcached restart');

  ffmpeg.signal('SIGTERM');
  await ffmpeg.ended();
  ffmpeg = pushWithFfmpeg(push);
  await pages.get('shaka')!.waitForTimeout(6_000);
  await expectAllToPlayOn('an encoder restart');

  nodes.edge.signal('SIGKILL');
  await nodes.edge.ended();
  await nodes.startEdge();
  await pages.get('shaka')!.waitForTimeout(4_000);
  await expectAllToPlayOn('an edge restart');

  link.cut();
  await pages.get('shaka')!.waitForTimeout(24_000);
  await link.heal();
  await expectAllToPlayOn('a cut of 24 s');

  nodes.control.signal('SIGKILL');
  await nodes.control.ended();
  await nodes.startControl();
  await pages.get('shaka')!.waitForTimeout(4_000);
  await expectAllToPlayOn('a control restart');

  following.abort();
  await probing;
  await ffmpeg[Symbol.asyncDispose]();
  const fatal = await Promise.all(
    [...pages].map(async ([player, page]) => [player, await page.evaluate('window.fatal')] as const),
  );
  console.log(
    'played on after',
    times,
    'fatal errors of the players',
    Object.fromEntries(fatal),
    'answers',
    prober.answers,
  );
  expect(prober.violations).toEqual([]);
});
