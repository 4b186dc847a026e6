import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tempFolder } from './temp-folder.mjs';

/** What a playlist lists, and itself, as files under the same paths; where they lie. */
export async function saveSite(scope, { text, segments }, playlistUrl) {
  const root = await tempFolder(scope);
  await saveAs(root, playlistUrl, text);
  for (const url of segments) await saveAs(root, url, Buffer.from(await (await fetch(url)).arrayBuffer()));
  return root;
}

/** Bytes as the file that a server of this folder has at that URL. */
export async function saveAs(root, url, bytes) {
  const file = join(root, new URL(url).pathname);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
}
