import { Command, CommanderError } from 'commander';
import { controlSettings } from '../control/settings.ts';
import { SettingsError } from '../runtime/settings.ts';
import { demoCommand } from './demo.ts';
import { edgeCommand } from './edge.ts';
import { OperatorFailed } from './operator-client.ts';
import { readFor, withSettings } from './read-settings.ts';
import { recordingsCommand } from './recordings.ts';
import { runUntilSignal } from './run-node.ts';
import { sourcesCommand } from './sources.ts';
import { version } from './surroundings.ts';

/** The command line. Resolves with the exit code: 0 ok, 1 failed, 2 wrong usage or settings, 70 our own bug. */
export async function runLiveMix(args: readonly string[]): Promise<number> {
  let code = 0;
  const exitWith = (given: number) => {
    code = given;
  };
  const program = new Command('livemix')
    .description(
      'Live video from a LAN to the web: HLS in at an edge, HLS out at a control node, never transcoded.',
    )
    .version(version())
    .exitOverride()
    .addCommand(demoCommand(exitWith))
    .addCommand(controlCommand(exitWith))
    .addCommand(edgeCommand(exitWith))
    .addCommand(sourcesCommand())
    .addCommand(recordingsCommand());
  for (const command of program.commands) {
    command.exitOverride();
    for (const inner of command.commands) inner.exitOverride();
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return exitCodeOf(error);
  }
}

function controlCommand(exitWith: (code: number) => void): Command {
  const command = new Command('control')
    .description('Runs the control node: viewers and operators come here, edges dial in.')
    .action(async (flags) => {
      const settings = await readFor(controlSettings, flags);
      const { startControl } = await import('../control/control-node.ts');
      exitWith(await runUntilSignal('control', settings.logLevel, (given) => startControl(settings, given)));
    });
  return withSettings(command, controlSettings);
}

function exitCodeOf(error: unknown): number {
  // Help and version end in an error of commander's, too; it has printed what there was to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof SettingsError) {
    console.error(`livemix: ${error.message}`);
    return 2;
  }
  if (error instanceof OperatorFailed) {
    console.error(`livemix: ${error.message}`);
    return 1;
  }
  console.error(error);
  return 70;
}
