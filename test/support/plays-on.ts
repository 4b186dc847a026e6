import type { Page } from 'playwright-core';
import { playback } from './chromium.ts';
import { until } from './nodes.ts';

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
