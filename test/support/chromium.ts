import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A real Chromium with an empty profile; what its pages printed is kept. */
export class Browser implements AsyncDisposable {
  private constructor(
    private readonly context: BrowserContext,
    private readonly profile: string,
  ) {}

  static async start(): Promise<Browser> {
    const executablePath = candidates.find((path) => existsSync(path));
    if (executablePath === undefined)
      throw new Error('Chromium is not installed: bash scripts/install-test-parts.sh');
    const profile = mkdtempSync(join(tmpdir(), 'livemix-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    return new Browser(context, profile);
  }

  /** A page, and everything it wrote to its console. */
  async open(url: string): Promise<{ page: Page; console: string[] }> {
    const page = await this.context.newPage();
    const printed: string[] = [];
    page.on('console', (message) => printed.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => printed.push(`error: ${error.message}`));
    await page.goto(url);
    return { page, console: printed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true });
  }
}

export type Playback = { readonly time: number; readonly frames: number; readonly fatal: number };

/** How far the page's video has come. */
export const playback = (page: Page): Promise<Playback> =>
  page.evaluate<Playback>(`(() => {
    const video = document.querySelector('video');
    return {
      time: video.currentTime,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      fatal: Number(video.dataset.fatal ?? 0),
    };
  })()`);
