import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bytes, epochMs } from '../media/units.ts';
import { unlessAbsent } from './file-failure.ts';
import { isObjectKey, type ListedObject } from './object-store.ts';

const PAGE = 1000;
const AT_ONCE = 16;

/** The files of a folder as objects whose keys begin with `prefix`, in the order of keys, page by page. */
export async function* listFiles(root: string, prefix: string): AsyncGenerator<readonly ListedObject[]> {
  let page: ListedObject[] = [];
  let keys: string[] = [];
  const look = async () => {
    const found = await Promise.all(keys.map((key) => objectAt(root, key)));
    page.push(...found.filter((object) => object !== undefined));
    keys = [];
  };
  const above = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  for await (const key of keysIn(root, above, prefix)) {
    keys.push(key);
    if (keys.length === AT_ONCE) await look();
    if (page.length + keys.length < PAGE) continue;
    await look();
    if (page.length > 0) yield page;
    page = [];
  }
  await look();
  if (page.length > 0) yield page;
}

/** `above` is empty or ends in a slash. */
async function* keysIn(root: string, above: string, prefix: string): AsyncGenerator<string> {
  const entries = (await unlessAbsent(readdir(join(root, above), { withFileTypes: true }))) ?? [];
  for (const path of entries.flatMap((entry) => pathOf(above, entry)).sort()) {
    if (!path.startsWith(prefix)) continue;
    if (path.endsWith('/')) yield* keysIn(root, path, prefix);
    else yield path;
  }
}

/** A folder ends in a slash, so that it stands where its keys do. What no key can name is no object. */
function pathOf(above: string, entry: Dirent): string[] {
  const path = `${above}${entry.name}`;
  if (!isObjectKey(path)) return [];
  if (entry.isDirectory()) return [`${path}/`];
  return entry.isFile() ? [path] : [];
}

async function objectAt(root: string, key: string): Promise<ListedObject | undefined> {
  const found = await unlessAbsent(stat(join(root, key)));
  if (found === undefined || !found.isFile()) return undefined;
  return { key, bytes: bytes(found.size), modifiedAt: epochMs(Math.round(found.mtimeMs)) };
}
