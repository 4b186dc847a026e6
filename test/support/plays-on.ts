import type { Page } from 'playwright-core';
import { type Browser, playback } from './chromium.ts';
import { type Nodes, until } from './nodes.ts';

/** How long a player may take to get going again: its own back-off after errors is part of that. */
const AGAIN_WITHIN_MS = 30_000;

/**
 * Resolves when the players of all pages show new pictures.
 * @param told called with each that does
 */
export async function allPlayOn(
  pages: ReadonlyMap<string, Page>,
  after: string,
  told: (player: string) => void = () => undefined,
): Promise<void> {
  await Promise.all(
    [...pages].map(async ([player, page]) => {
      const begin = await playback(page);
      await until(
        `${player} plays on after ${after}`,
        async () => {
          const now = await playback(page);
          return now.frames > begin.frames + 40 && now.time > begin.time + 1.5;
        },
        AGAIN_WITHIN_MS,
      );
      told(player);
    }),
  );
}

/** A page for each of these sources in hls.js, and one in Shaka; by `player, source`. */
export async function openPlayers(
  browser: Browser,
  site: { readonly url: string },
  nodes: Nodes,
  sources: readonly string[],
): Promise<ReadonlyMap<string, Page>> {
  const pages = new Map<string, Page>();
  for (const source of sources) {
    for (const player of ['hls.js', 'shaka']) {
      const { page } = await browser.open(
        `${site.url}/${player}?${encodeURIComponent(nodes.playlistUrl(source))}`,
      );
      pages.set(`${player}, ${source}`, page);
    }
  }
  return pages;
}
