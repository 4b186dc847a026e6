import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseConfigFile } from '../runtime/config-file.ts';
import { readSettings, type SettingsTable, SettingsError } from '../runtime/settings.ts';
import { settingsHelp } from '../runtime/settings-help.ts';
import { settingName } from '../runtime/settings.ts';

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
export function readFor<T>(table: SettingsTable<T>, flags: Record<string, string | undefined>): T {
  const { config, ...others } = flags;
  const file = config === undefined ? undefined : parseConfigFile(readConfig(config), config);
  const { values, warnings } = readSettings(table, {
    flags: others,
    env: process.env,
    ...(file !== undefined && { file }),
  });
  for (const warning of warnings) console.error(`livemix: ${warning}`);
  return values;
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingsError('--config', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`);
  }
}
