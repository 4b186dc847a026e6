import { Command } from 'commander';
import { runUntilSignal } from './run-node.ts';
import type { DemoFlags } from './start-demo.ts';

/** `livemix demo`: all of LiveMix in one process, over the same ways as separate ones. */
export const demoCommand = (exitWith: (code: number) => void): Command =>
  new Command('demo')
    .description(
      'Runs control, an edge and a test camera in one process, to look at. Nothing else is needed.',
    )
    .option('--listen <HOST:PORT>', 'where the page is', '127.0.0.1:8080')
    .option('--edge-listen <HOST:PORT>', 'where encoders push to', '127.0.0.1:9080')
    .option('--data-dir <DIR>', 'where everything is kept', './livemix-data/demo')
    .action(async (flags: DemoFlags) => {
      // Only the demo needs both nodes: an edge alone must not pay for control's memory.
      const { startDemo } = await import('./start-demo.ts');
      exitWith(await runUntilSignal('demo', 'info', (given) => startDemo(flags, given)));
    });
