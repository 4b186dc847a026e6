import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ConfigFile } from '../runtime/config-file.ts';
import { readSettings, SettingsError, type SettingsTable, settingName } from '../runtime/settings.ts';
import { settingsHelp } from '../runtime/settings-help.ts';

/** Gives a command the flags and the help of its settings; `more`: what its file may hold beside them. */
export function withSettings<T>(
  command: Command,
  table: SettingsTable<T>,
  more: readonly string[] = [],
): Command {
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
    ...more,
  ];
  return command.addHelpText('after', lines.join('\n'));
}

/** The settings as the user gave them. Warnings go to stderr, a line each. */
export async function readFor<T>(
  table: SettingsTable<T>,
  flags: Record<string, string | undefined>,
): Promise<T> {
  const { config, ...others } = flags;
  return readWith(table, others, config === undefined ? undefined : await openConfig(config));
}

/** The same with a file that was read; `beside`: its keys that are no settings. */
export function readWith<T>(
  table: SettingsTable<T>,
  flags: Record<string, string | undefined>,
  file: ConfigFile | undefined,
  beside: readonly string[] = [],
): T {
  const settings = Object.entries(file?.values ?? {}).filter(([key]) => !beside.includes(key));
  const { values, warnings } = readSettings(table, {
    flags,
    env: process.env,
    file: Object.fromEntries(settings),
  });
  for (const warning of warnings) console.error(`livemix: ${warning}`);
  return values;
}

/** The YAML parser is loaded only where a file is given: it takes memory that a small edge box can use better. */
export async function openConfig(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('../runtime/config-file.ts');
  try {
    return readConfigFile(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    throw new SettingsError('--config', `${path} cannot be read: ${code}.`);
  }
}
