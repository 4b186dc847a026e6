import { expect, test } from 'vitest';
import { Browser, playback } from '../support/chromium.ts';
import { pushWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { allPlayOn } from '../support/plays-on.ts';

test('the page plays a camera in Chromium for 30 s: frames advance, nothing fatal, an empty console; and on after control was killed', async () => {
  await using nodes = await Nodes.start();
  await using _ffmpeg = pushWithFfmpeg({ edgeUrl: nodes.edgeUrl, source: 'camera-0', folder: nodes.media });
  await until('the source appears', () => nodes.source('camera-0'));
  await using browser = await Browser.start();
  const { page, console } = await browser.open(`${nodes.controlUrl}/#camera-0`);
  await page.waitForSelector('video');
  await until('it plays', async () => (await playback(page)).time > 0, 30_000);

  const begin = await playback(page);
  let last = begin;
  for (let second = 0; second < 30; second += 5) {
    await page.waitForTimeout(5_000);
    const now = await playback(page);
    expect(now.frames).toBeGreaterThan(last.frames);
    last = now;
  }
  expect(last.time - begin.time).toBeGreaterThan(25);
  expect(last.fatal).toBe(0);
  expect(console).toEqual([]);

  // Longer than a list lasts: hls.js alone would stand still then.
  nodes.control.signal('SIGKILL');
  await page.waitForTimeout(16_000);
  await nodes.startControl();
  await allPlayOn(new Map([['the page', page]]), 'control was away');

  const { page: lan, console: lanConsole } = await browser.open(`${nodes.edgeUrl}/#camera-0`);
  await lan.waitForSelector('video');
  nodes.control.signal('SIGKILL');
  await until('the LAN page plays without control', async () => (await playback(lan)).time > 4, 30_000);
  expect(lanConsole).toEqual([]);
});
