import { LineCounter, parseDocument } from 'yaml';
import { SettingsError } from './settings-error.ts';

/**
 * The keys and values of a YAML file of settings; an empty file has none. Throws `SettingsError` that names the file
 * and the line. Aliases are refused: a small file could stand for a huge one.
 */
export function parseConfigFile(text: string, fileName: string): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new SettingsError(`${fileName}:${line}:${col}`, `${oneLine(fault.message)} Mend the YAML there.`);
  }
  const value = plainValue(document, fileName);
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new SettingsError(fileName, 'This is not a list of settings. Write one `key: value` a line.');
  }
  return value as Record<string, unknown>;
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
