import { type Setting, type SettingsTable, settingName } from './settings.ts';

/** What help, the command line parser and the documentation say of one setting. */
export type SettingRow = {
  /** `--media-roots` */
  readonly flag: string;
  /** `DIR:DIR` */
  readonly form: string;
  readonly env: string;
  /** The key in a YAML file: `media-roots` */
  readonly key: string;
  readonly default: string | undefined;
  readonly help: string;
  readonly example: string | undefined;
  readonly secret: boolean;
};

export const settingRows = <T>(table: SettingsTable<T>): SettingRow[] =>
  (Object.values(table) as Setting<unknown>[]).map((each) => ({
    flag: `--${settingName(each)}`,
    form: each.parse.form,
    env: each.env,
    key: settingName(each),
    default: each.default,
    help: each.help,
    example: each.example,
    secret: each.secret ?? false,
  }));

/** The lines for `--help`: the flag with its form, then what it means, its variable, default and example. */
export function settingsHelp<T>(table: SettingsTable<T>): string[] {
  return settingRows(table).flatMap((row) => [
    `  ${row.flag} ${row.form}`,
    `      ${row.help}`,
    `      [env ${row.env}; ${row.default === undefined || row.default === '' ? 'no default' : `default ${row.default}`}${
      row.example === undefined ? '' : `; for example ${row.example}`
    }]`,
  ]);
}

/** The same as a Markdown table, for `docs/settings.md`. */
export function settingsMarkdown<T>(table: SettingsTable<T>): string {
  const cell = (value: string) => value.replaceAll('|', '\\|');
  const code = (value: string) => `\`${cell(value)}\``;
  const rows = settingRows(table).map((row) => {
    const example = row.example === undefined ? '' : ` Example: ${code(row.example)}`;
    const fallback = row.default === undefined || row.default === '' ? 'none' : code(row.default);
    return `| ${code(`${row.flag} ${row.form}`)} | ${code(row.env)} | ${code(row.key)} | ${fallback} | ${cell(row.help)}${example} |`;
  });
  return [
    '| flag | environment | file | default | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
