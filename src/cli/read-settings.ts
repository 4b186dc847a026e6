import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readSettings, SettingsError, type SettingsTable, settingName } from '../runtime/settings.ts';
import { settingsHelp } from '../runtime/settings-help.ts';

/** Gives a command the flags and the help of its settings. */
export function withSettings<T>(command: Command, table: SettingsTable<T>): Command {
  for (const each of Object.values(table) as { env: string; help: string; parse: { form: string } }[]) {
    command.option(`--${settingName(each)} <${each.parse.form}>`, '');
  }
  command.option('--config <FILE>', '');
  command.configureHelp({ visibleOptions: () => [] });
  const lines = [
    '',
    'Settings: a flag is stronger than the environment, the environment stronger than --config FILE (YAML),',
    'the file stronger than the default.',
    '',
    ...settingsHelp(table),
  ];
  return command.addHelpText('after', lines.join('\n'));
}

/** The settings as the user gave them. Warnings go to stderr, a line each. */
export async function readFor<T>(
  table: SettingsTable<T>,
  flags: Record<string, string | undefined>,
): Promise<T> {
  const { config, ...others } = flags;
  const file = config === undefined ? undefined : await readConfig(config);
  const { values, warnings } = readSettings(table, {
    flags: others,
    env: process.env,
    ...(file !== undefined && { file }),
  });
  for (const warning of warnings) console.error(`livemix: ${warning}`);
  return values;
}

/** The YAML parser is loaded only where a file is given: it takes memory that a small edge box can use better. */
async function readConfig(path: string): Promise<Record<string, unknown>> {
  const { parseConfigFile } = await import('../runtime/config-file.ts');
  try {
    return parseConfigFile(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    throw new SettingsError('--config', `${path} cannot be read: ${code}.`);
  }
}
