import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Browser, playback } from '../support/chromium.ts';
import { until } from '../support/nodes.ts';
import { startLiveMix } from '../support/process.ts';
import { RecordingsClient, sha256 } from '../support/recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-page-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('somebody records the demo’s camera on the page, finds it, watches it from its beginning, and deletes it', async () => {
  const ports = ['--listen', '127.0.0.1:0', '--edge-listen', '127.0.0.1:0'];
  await using demo = startLiveMix(['demo', ...ports, '--data-dir', join(folder, 'demo')]);
  const home = (await demo.printed(/^Page {2}URL (\S+)$/m))[1]!;
  const recordings = new RecordingsClient(() => new URL(home).origin);

  await using browser = await Browser.start();
  const { page, console } = await browser.open(home);
  const phone = { width: 360, height: 740 };
  const desk = { width: 1280, height: 800 };
  const fits = async () => {
    for (const size of [desk, phone]) {
      await page.setViewportSize(size);
      const over = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      expect({ size, over }).toEqual({ size, over: 0 });
    }
  };
  await page.waitForSelector('[data-action=record]');
  await until('it plays live', async () => (await playback(page)).time > 0, 30_000);
  await fits();
  await page.selectOption('[data-preroll]', '-30s');
  await page.click('[data-action=record]');
  await page.waitForSelector('li[data-state=recording] [data-action=stop-recording]');
  await fits();
  await page.reload();
  await page.waitForSelector('[data-action=stop-recording]');
  await page.waitForTimeout(6_000);
  await page.click('[data-action=stop-recording]');
  const id = (await page.locator('li[data-recording]').getAttribute('data-recording'))!;

  await page.click('nav >> text=Recordings');
  const row = `main[data-view=recordings] li[data-recording="${id}"]`;
  await page.waitForSelector(`${row}[data-state=complete]`, { timeout: 30_000 });
  await fits();
  const { from, until: to, durationSeconds } = await recordings.get(id);
  expect(Date.parse(to!) - Date.parse(from)).toBeGreaterThan(36_000);
  await page.click(`${row} a`);
  await page.waitForSelector('main[data-view=recording] video');
  const begun = await until('it plays', async () => {
    const now = await playback(page);
    return now.frames > 0 ? now : undefined;
  });
  // From its beginning: a player left to itself would begin at the end.
  expect(begun.time).toBeLessThan(durationSeconds / 2);
  await until('frames advance', async () => (await playback(page)).frames > begun.frames + 25);
  await page.waitForSelector('video[data-state=playing]');
  await fits();

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
  const again = await playback(page);
  await until('frames advance', async () => (await playback(page)).frames > again.frames + 25);

  await page.click('[data-action=rename]');
  await page.fill('input[name=title]', 'the <b>gate</b>');
  await page.click('[data-action=save-title]');
  await page.waitForSelector('h1 >> text="the <b>gate</b>"');
  expect(await recordings.get(id)).toMatchObject({ title: 'the <b>gate</b>', keep: false });
  await page.click('[data-action=keep]');
  await page.waitForSelector('[data-action=keep][aria-checked=true]');
  expect((await recordings.get(id)).keep).toBe(true);
  const links = await page.$$eval('a[data-download]', (all) =>
    all.map((link) => (link as unknown as { href: string }).href),
  );
  expect(links.map((href) => new URL(href).pathname).sort()).toEqual([
    `/recordings/${id}/download.mp4`,
    `/recordings/${id}/download.ts`,
  ]);
  const downloading = page.waitForEvent('download');
  await page.click('a[data-download=ts]');
  const saved = await readFile(await (await downloading).path());
  expect(sha256(saved)).toBe(sha256(await recordings.download(id)));
  expect((await playback(page)).fatal).toBe(0);

  await page.click('[data-action=delete]');
  expect((await recordings.ask('GET', `/${id}`)).status).toBe(200);
  await fits();
  await page.click('[data-action=confirm-delete]');
  await page.waitForSelector('main[data-view=recordings]');
  await page.waitForSelector(row, { state: 'detached' });
  expect(await recordings.ask('GET', `/${id}`)).toMatchObject({ status: 404 });
  expect(console).toEqual([]);
});

test('of many recordings the page shows the newest, and older ones on demand, of all sources or of one', async () => {
  const ports = ['--listen', '127.0.0.1:0', '--edge-listen', '127.0.0.1:0'];
  await using demo = startLiveMix(['demo', ...ports, '--data-dir', join(folder, 'many')]);
  const home = (await demo.printed(/^Page {2}URL (\S+)$/m))[1]!;
  const recordings = new RecordingsClient(() => new URL(home).origin);
  const count = 230;
  for (let n = 0; n < count; n++) await recordings.start({ source: 'camera-0', from: '+1h', until: '+2h' });

  await using browser = await Browser.start();
  const { page, console } = await browser.open(new URL('#/recordings', home).href);
  for (const hash of ['#/recordings', '#/recordings?source=camera-0']) {
    await page.goto(new URL(hash, home).href);
    await page.reload();
    await page.waitForSelector('h1 >> text="The newest 200 recordings"');
    const rows = () => page.locator('li[data-recording]').count();
    expect(await rows()).toBe(50);
    for (let shown = 50; shown < count; shown = await rows()) {
      await page.click('text=Show more');
      await until('there are more', async () => (await rows()) > shown);
    }
    expect(await rows()).toBe(count);
    await page.waitForSelector(`h1 >> text="${count} recordings"`);
    expect(await page.locator('text=Show more').count()).toBe(0);
  }
  expect(console).toEqual([]);
});
