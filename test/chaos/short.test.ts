import { beforeAll, describe, test } from 'vitest';
import { rows } from './rows.ts';
import { printed, runRow } from './run-row.ts';
import { chooseSeed } from './seed.ts';

/**
 * The rows of the fault matrix against real processes, two at a time (`maxConcurrency`): they mostly wait. `LIVEMIX_SEED` replays a run, `LIVEMIX_ROWS=F7,F8` picks,
 * `LIVEMIX_CHAOS=full` makes every fault last ten times as long, `LIVEMIX_CHAOS=lan` checks the LAN list of the edge
 * instead of a recording.
 */
const seed = chooseSeed();
const mode = process.env['LIVEMIX_CHAOS'] ?? 'short';
const picked = process.env['LIVEMIX_ROWS']?.split(',');
const scale = mode === 'full' ? 10 : 1;
/** What needs recordings by control. */
const notOnLan = new Set(['F13', 'F16', 'F19', 'F36']);

const chosen = rows.filter(({ id }) => picked?.includes(id) ?? !(mode === 'lan' && notOnLan.has(id)));

describe.concurrent('recordings survive', () => {
  beforeAll(() => console.info(`LIVEMIX_SEED=${seed}`));

  for (const row of chosen) {
    test(`${row.id}: ${row.title}`, { timeout: 90_000 * scale }, async ({ expect }) => {
      const report = await runRow(row, { seed, scale, lan: mode === 'lan' });
      console.info(printed(report));
      expect({ violations: report.violations, void: report.void }).toEqual({ violations: [], void: [] });
    });
  }
});
