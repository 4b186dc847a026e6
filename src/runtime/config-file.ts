import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { SettingsError } from './settings-error.ts';

/** A file of settings that was read. */
export type ConfigFile = {
  readonly values: Readonly<Record<string, unknown>>;
  /** The line, from 1, of what stands at this path of keys and indexes, or of what is nearest above it. */
  lineOf(path: readonly (string | number)[]): number;
};

/**
 * The keys and values of a YAML file of settings; an empty file has none. Throws `SettingsError` that names the file
 * and the line. Aliases are refused: a small file could stand for a huge one.
 */
export const parseConfigFile = (text: string, fileName: string): Record<string, unknown> => ({
  ...readConfigFile(text, fileName).values,
});

/** The same, and on which line each of them stands. Throws as `parseConfigFile` does. */
export function readConfigFile(text: string, fileName: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new SettingsError(`${fileName}:${line}:${col}`, `${oneLine(fault.message)} Mend the YAML there.`);
  }
  const value = plainValue(document, fileName);
  if (value !== null && value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
    throw new SettingsError(fileName, 'This is not a list of settings. Write one `key: value` a line.');
  }
  return {
    values: (value ?? {}) as Record<string, unknown>,
    lineOf: (path) => lines.linePos(placeOf(document.contents, path)).line,
  };
}

/** Where in the text it begins: a value with a key begins at the key. */
function placeOf(root: Node | null, path: readonly (string | number)[]): number {
  let node: unknown = root;
  let place = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
      if (pair === undefined) return place;
      place = (pair.key as Node).range?.[0] ?? place;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      place = (node as Node | undefined)?.range?.[0] ?? place;
    }
  }
  return place;
}

function plainValue(document: ReturnType<typeof parseDocument>, fileName: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new SettingsError(fileName, 'An alias (*name) stands in it. Write the value out.', {
      cause: error,
    });
  }
}

const oneLine = (message: string): string => {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.endsWith('.') ? line : `${line}.`;
};
