import { nearestName } from './nearest-name.ts';
import { BadValue, type Parser } from './setting-types.ts';
import { SettingsError, shown } from './settings-error.ts';

export { SettingsError } from './settings-error.ts';

/** One setting. Its flag and its key in a file are its environment name without `LIVEMIX_`, in kebab case. */
export type Setting<T> = {
  /** `LIVEMIX_MEDIA_ROOTS` */
  readonly env: string;
  readonly parse: Parser<NonNullable<T>>;
  /** As the user would write it; the parser reads it too. Without one the value may be `undefined`. */
  readonly default?: string;
  /** One or two sentences for `--help` and the documentation. */
  readonly help: string;
  readonly example?: string;
  /** A secret's value stands in no message. */
  readonly secret?: boolean;
};

type Spec<T> = Omit<Setting<T>, 'parse'> & { readonly parse: Parser<T> };

/** A setting with a default always has a value; one without may be `undefined`. */
export function setting<T>(spec: Spec<T> & { readonly default: string }): Setting<T>;
export function setting<T>(spec: Spec<T>): Setting<T | undefined>;
export function setting<T>(spec: Spec<T>): Setting<T | undefined> {
  return spec as Setting<T | undefined>;
}

/** The settings of one command; `T` is what their values are. */
export type SettingsTable<T> = { readonly [Key in keyof T]: Setting<T[Key]> };

/** What the values of a table are: `type EdgeSettings = ValuesOf<typeof edgeSettings>`. */
export type ValuesOf<Table> = Table extends SettingsTable<infer T> ? T : never;

export function defineSettings<T>(table: SettingsTable<T>): SettingsTable<T> {
  return table;
}

/** Where values come from, the strongest first. */
export type SettingSources = {
  /** By flag without its dashes, `media-roots`; the command line parser's `mediaRoots` is understood too. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `parseConfigFile` gave. Keys are in kebab case: `media-roots`. */
  readonly file?: Readonly<Record<string, unknown>>;
};

/**
 * The values of all settings: flag over environment over file over default. An empty environment variable counts as
 * not set. Throws `SettingsError` for a value that cannot be read and for a key of the file that no setting has; a
 * `LIVEMIX_` variable that no setting has is a warning.
 */
export function readSettings<T>(
  table: SettingsTable<T>,
  sources: SettingSources,
): { readonly values: T; readonly warnings: string[] } {
  const file = sources.file ?? {};
  const settings = Object.values(table) as Setting<unknown>[];
  refuseUnknownKeys(Object.keys(file), settings.map(settingName));
  const values: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(table) as [string, Setting<unknown>][]) {
    values[key] = findValue(each, sources.flags, sources.env, file);
  }
  return { values: values as T, warnings: unknownVariables(sources.env, settings) };
}

/** `media-roots`: the flag without its dashes, and the key in a file. */
export const settingName = (each: { readonly env: string }): string =>
  each.env
    .replace(/^LIVEMIX_/, '')
    .toLowerCase()
    .replaceAll('_', '-');

function findValue(
  each: Setting<unknown>,
  flags: SettingSources['flags'],
  env: SettingSources['env'],
  file: Readonly<Record<string, unknown>>,
): unknown {
  const name = settingName(each);
  const flag = flags[name] ?? flags[camelCase(name)];
  if (flag !== undefined) return parsed(each, flag, `--${name}`);
  const variable = env[each.env];
  if (variable !== undefined && variable !== '') return parsed(each, variable, each.env);
  const written = Object.hasOwn(file, name) ? file[name] : undefined;
  if (written !== undefined && written !== null) return parsed(each, fileText(each, written), name);
  return each.default === undefined ? undefined : each.parse(each.default);
}

function parsed(each: Setting<unknown>, value: string, givenAs: string): unknown {
  try {
    return each.parse(value);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const problem = each.secret ? error.mend : `${error.what}. ${error.mend}`;
    throw new SettingsError(givenAs, problem);
  }
}

/** A value of the file as the text that its parser reads: lists may be written as YAML lists. */
function fileText(each: Setting<unknown>, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const separator = each.parse.separator;
  if (
    Array.isArray(value) &&
    separator !== undefined &&
    value.every((member) => typeof member === 'string')
  ) {
    const odd = value.find((member) => member.includes(separator));
    if (odd === undefined) return value.join(separator);
    throw new SettingsError(settingName(each), `${shown(odd)} has a ${separator} in it. Write it without.`);
  }
  throw new SettingsError(settingName(each), `This is not a plain value. Write ${each.parse.form}.`);
}

function refuseUnknownKeys(keys: readonly string[], names: readonly string[]): void {
  for (const key of keys) {
    if (names.includes(key)) continue;
    throw new SettingsError(key.slice(0, 80), `There is no such setting${suggestion(key, names)}`);
  }
}

function unknownVariables(env: SettingSources['env'], settings: readonly Setting<unknown>[]): string[] {
  const names = settings.map((each) => each.env);
  return Object.entries(env)
    .filter(
      ([name, value]) =>
        name.startsWith('LIVEMIX_') && value !== undefined && value !== '' && !names.includes(name),
    )
    .map(([name]) => `${name} is not a setting of this command${suggestion(name, names)}`);
}

const suggestion = (given: string, names: readonly string[]): string => {
  const nearest = nearestName(given, names);
  return nearest === undefined ? '. See --help.' : `: did you mean ${nearest}?`;
};

const camelCase = (name: string): string =>
  name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
