import type { ConfiguredSource, ConfiguredSources, SourceFault } from '../edge/input/configured-source.ts';
import { isName } from '../media/name.ts';
import type { ConfigFile } from '../runtime/config-file.ts';
import { nearestName } from '../runtime/nearest-name.ts';
import { SettingsError } from '../runtime/settings.ts';
import { inputOf, SourceMistake } from './source-input.ts';

/** The key of the file that names the sources an edge brings in by itself. */
export const SOURCES_KEY = 'sources';

const KEYS = ['input', 'pull', 'ffmpeg', 'output'] as const;

/**
 * What a file says of sources that the edge brings in by itself. Each that is none is told of with its line, and the
 * rest counts. Throws `SettingsError` where none can be made out.
 *
 * @param fileName how messages call the file
 */
export function readConfigSources(file: ConfigFile, fileName: string): ConfiguredSources {
  const written = file.values[SOURCES_KEY];
  const sources: ConfiguredSource[] = [];
  const faults: SourceFault[] = [];
  const faultAt = (path: readonly (string | number)[], mistake: SourceMistake, name?: string) =>
    faults.push({
      ...(name !== undefined && { name }),
      detail: `${fileName}:${file.lineOf([SOURCES_KEY, ...path])}: ${mistake.what}.`,
      hint: mistake.mend,
    });
  if (written === undefined || written === null) return { sources, faults };
  if (!isMapping(written)) {
    const place = `${fileName}:${file.lineOf([SOURCES_KEY])}`;
    throw new SettingsError(place, 'These are no sources. Write NAME: URL below `sources:`, one a line.');
  }
  for (const [name, entry] of Object.entries(written)) {
    try {
      if (!isName(name)) throw badName;
      sources.push({ name, ...readSource(entry) });
    } catch (error) {
      if (!(error instanceof SourceMistake)) throw error;
      faultAt([name, ...error.path], error, isName(name) ? name : undefined);
    }
  }
  return { sources, faults };
}

const badName = new SourceMistake(
  'a source cannot have this name',
  'Use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit.',
);

/** Throws `SourceMistake`. */
function readSource(entry: unknown): Omit<ConfiguredSource, 'name'> {
  if (!isMapping(entry)) return { input: inputOf({ input: entry }, []), when: 'always' };
  for (const key of Object.keys(entry)) {
    if (KEYS.some((known) => known === key)) continue;
    const nearest = nearestName(key, KEYS);
    const mend = nearest === undefined ? `Write ${KEYS.join(', ')}.` : `Did you mean ${nearest}?`;
    throw new SourceMistake(`a source has no ${JSON.stringify(key.slice(0, 40))}`, mend, [key]);
  }
  const { pull = 'always', ...ways } = entry;
  if (pull !== 'always' && pull !== 'on-demand') {
    throw new SourceMistake('pull is neither always nor on-demand', 'Write one of them.', ['pull']);
  }
  return { input: inputOf(ways, ['input']), when: pull };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
