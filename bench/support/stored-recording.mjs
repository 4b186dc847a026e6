import { createHash, randomFillSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeManifest, manifestKey } from '../../dist/control/recordings/manifest.js';
import { Child } from './child.mjs';
import { command } from './nodes.mjs';
import { tempFolder } from './temp-folder.mjs';

/**
 * A recording that has ended, in a data folder for control: objects and manifests are written, and
 * `livemix recordings rebuild` makes the catalog of them. `stored`: how many segments have their bytes, the first ones;
 * `copies`: recordings of that span. `flags` are for control, `ids` are the recordings, `rebuildMs` is how long that took.
 */
export async function storeRecording(
  scope,
  { source = 'archive', segments, duration, bytes, stored, copies = 1 },
) {
  const dataDir = join(await tempFolder(scope), 'control');
  const put = async (key, content) => {
    const file = join(dataDir, 'store', key);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  };
  const until = Date.now() - 60_000;
  const from = until - segments * duration * 1000;
  const content = randomFillSync(Buffer.allocUnsafeSlow(bytes));
  const rows = [];
  for (let sequence = 1; sequence <= segments; sequence++) {
    content.writeUInt32BE(sequence); // No two have the same bytes.
    const isStored = sequence <= (stored ?? segments);
    const digest = createHash('sha256')
      .update(isStored ? content : String(sequence))
      .digest('base64url');
    const key = `segments/${source}/main/${sequence}-bench.ts`;
    if (isStored) await put(key, content);
    const at = Math.round(from + (sequence - 1) * duration * 1000);
    rows.push({
      source,
      rendition: 'main',
      key,
      record: recordOf({ sequence, at, duration, digest, bytes }),
    });
  }
  const ids = Array.from({ length: copies }, (_, at) => `bench${String(at).padStart(11, '0')}`);
  for (const [at, id] of ids.entries()) {
    // What another manifest lists already is found by the span.
    await put(manifestKey(id), encodeManifest(recordingOf(id, source, from, until), at === 0 ? rows : []));
  }
  return { source, ids, flags: { 'data-dir': dataDir }, rebuildMs: await rebuild(scope, dataDir) };
}

async function rebuild(scope, dataDir) {
  const startedAt = performance.now();
  const args = [command, 'recordings', 'rebuild', '--data-dir', dataDir];
  const child = new Child(scope, process.execPath, args);
  const code = await child.exited;
  if (code !== 0) throw new Error(`livemix recordings rebuild ended with ${code}: ${child.lines.join('\n')}`);
  return performance.now() - startedAt;
}

const recordOf = ({ sequence, at, duration, digest, bytes }) => ({
  ...{ sequence, at, duration, digest, bytes, extension: 'ts' },
  ...{ discontinuity: false, discontinuitySequence: 0, targetDuration: Math.ceil(duration), listFrom: 1 },
  encoder: {
    ...{ sequence, name: `seg-${sequence}.ts`, bytes, modifiedAt: at },
    targetDuration: Math.ceil(duration),
  },
});

const recordingOf = (id, source, from, until) => ({
  ...{ id, source, edge: 'edge-1', title: 'bench', from, until, createdAt: from, keep: false },
  ...{ ended: 'settled', endedAt: until, settledUntil: until, lostBefore: from },
  ...{ spool: 'bench', lostReason: 'beyond_spool' },
});
