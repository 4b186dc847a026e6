import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Browser, playback } from '../support/chromium.ts';
import { until } from '../support/nodes.ts';
import { startLiveMix } from '../support/process.ts';
import { RecordingsClient } from '../support/recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-page-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('somebody records the demo’s camera on the page, finds it, watches it from its beginning, and deletes it', async () => {
  const ports = ['--listen', '127.0.0.1:0', '--edge-listen', '127.0.0.1:0'];
  await using demo = startLiveMix(['demo', ...ports, '--data-dir', join(folder, 'demo')]);
  const home = (await demo.printed(/^Page {2}URL (\S+)$/m))[1]!;
  const recordings = new RecordingsClient(() => new URL(home).origin);

  await using browser = await Browser.start();
  const { page, console } = await browser.open(home);
  await page.setViewportSize({ width: 360, height: 740 });
  const fits = () => page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
  await page.waitForSelector('[data-action=record]');
  await until('it plays live', async () => (await playback(page)).time > 0, 30_000);
  await page.selectOption('[data-preroll]', { index: 1 });
  await page.click('[data-action=record]');
  await page.waitForSelector('[data-action=stop-recording]');
  expect(await fits()).toBe(true);
  await page.reload();
  await page.waitForSelector('[data-action=stop-recording]');
  await page.waitForTimeout(3_000);
  await page.click('[data-action=stop-recording]');
  const row = await page.waitForSelector('li[data-recording][data-state=complete]', { timeout: 30_000 });
  const id = (await row.getAttribute('data-recording'))!;

  await page.goto(`${home.split('#')[0]}#/recordings`);
  await page.waitForSelector(`main[data-view=recordings] li[data-recording="${id}"]`);
  expect(await fits()).toBe(true);
  await page.goto(`${home.split('#')[0]}#/recordings/${id}`);
  await page.waitForSelector('main[data-view=recording] video');
  const begun = await until('it plays', async () => {
    const now = await playback(page);
    return now.frames > 0 ? now : undefined;
  });
  // From its beginning: a player left to itself would begin at the end.
  const { durationSeconds, until: end } = await recordings.get(id);
  expect(end).not.toBeNull();
  expect(begun.time).toBeLessThan(durationSeconds / 2);
  await until('frames advance', async () => (await playback(page)).frames > begun.frames + 25);
  expect((await playback(page)).fatal).toBe(0);
  expect(await fits()).toBe(true);

  await page.focus('[data-timeline]');
  await page.keyboard.press('End');
  await until('it plays to its end', async () =>
    page.evaluate(`document.querySelector('video').currentTime > ${durationSeconds - 3}`),
  );
  await page.keyboard.press('Home');
  await until('it plays on from its beginning', async () => {
    const { time } = await playback(page);
    return time > 0 && time < durationSeconds - 4;
  });

  await page.click('[data-action=rename]');
  await page.fill('input[name=title]', 'the <b>gate</b>');
  await page.click('[data-action=save-title]');
  await until('it is renamed', async () => (await recordings.get(id)).title === 'the <b>gate</b>');
  await page.click('[data-action=keep]');
  await until('it is kept', async () => (await recordings.get(id)).keep);
  const links = await page.$$eval('a[data-download]', (all) =>
    all.map((link) => (link as unknown as { href: string }).href),
  );
  expect(links.map((href) => new URL(href).pathname).sort()).toEqual([
    `/recordings/${id}/download.mp4`,
    `/recordings/${id}/download.ts`,
  ]);

  await page.click('[data-action=delete]');
  await page.click('[data-action=confirm-delete]');
  await page.waitForSelector('main[data-view=recordings]');
  expect(await recordings.ask('GET', `/${id}`)).toMatchObject({ status: 404 });
  expect(console.filter((line) => /error/i.test(line))).toEqual([]);
});
