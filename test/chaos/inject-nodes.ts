import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { until } from '../support/nodes.ts';
import { readPlaylist } from '../support/prober-playlist.ts';
import { type Injection, temporaryFiles } from './injections.ts';
import type { Stage } from './stage.ts';

const POLL_MS = 2;
/** Reads of other segments: the viewer of the live list asks for what an earlier process listed. One crowd makes hundreds. */
const OTHER_READS = 8;
/** A line on which nothing passed for so long carries no upload. */
const IDLE_MS = 40;
/** What crosses beside segments: pings, reports, records. */
const SMALL_BYTES = 8_000;

/**
 * Resolves when `bytes` of an upload have passed: counted from the last moment at which the line was idle. The line
 * must be slow enough for that to be seen.
 */
async function passed(line: FaultProxy, bytes: number): Promise<number> {
  let base = line.bytesUp();
  let last = base;
  for (let still = 0; ; ) {
    await sleep(POLL_MS);
    const now = line.bytesUp();
    still = now === last ? still + POLL_MS : 0;
    last = now;
    if (now - base >= bytes) return now - base;
    if (still >= IDLE_MS && now - base < SMALL_BYTES) base = now;
  }
}

/** F7. */
export const killControlWithinPut: Injection = async (stage) => {
  const { line, prng, simulator } = stage;
  let kills = 0;
  let cutShort = 0;
  for (; kills < 2 * stage.options.scale; kills++) {
    line.rate(3 * stage.bytesPerSecond);
    const at = prng.integer(SMALL_BYTES, Math.floor(0.7 * simulator.bytes));
    const bytes = await passed(line, at);
    if (bytes % simulator.bytes < 0.9 * simulator.bytes) cutShort += 1;
    await stage.killAndStart('control', prng.integer(0, 500));
    await line.heal();
    await stage.segments(prng.integer(3, 6));
  }
  return async () => ({ figures: { kills, cutShort, ...(await repeated(stage)) } });
};

/** F8, as near as one comes from outside: the whole PUT is with control, its answer is on the line. */
export const killControlBehindPut: Injection = async (stage) => {
  const { line, prng, simulator } = stage;
  let kills = 0;
  let answersLost = 0;
  for (; kills < 2 * stage.options.scale; kills++) {
    line.delay(150);
    await passed(line, simulator.bytes);
    const down = line.bytesDown();
    await sleep(40);
    if (line.bytesDown() - down < 100) answersLost += 1;
    // What is on its way down goes with its connection.
    const killed = stage.killAndStart('control', prng.integer(0, 300));
    await line.reset();
    await killed;
    await line.heal();
    await stage.segments(prng.integer(3, 6));
  }
  return async () => ({ figures: { kills, answersLost, ...(await repeated(stage)) } });
};

/** F10. */
export const killEdge: Injection = async (stage) => {
  const { prng, history } = stage;
  let kills = 0;
  const unanswered = () =>
    history.events.filter((event) => event.type === 'ack' && event.status === 0).length;
  for (; kills < 3 * stage.options.scale; kills++) {
    await sleep(prng.integer(300, 1_500));
    const before = unanswered();
    // A short death may fall between two posts; the last one lasts until an encoder has met it.
    const last = kills === 3 * stage.options.scale - 1;
    await stage.killAndStart('edge', async () => {
      await sleep(prng.integer(0, 400));
      if (last) await until('an encoder met the dead edge', () => unanswered() > before);
    });
  }
  await stage.segments(4);
  const postsUnanswered = unanswered();
  return async () => {
    const left = await temporaryFiles(stage.nodes.folder);
    const violations =
      left.length === 0 ? [] : [`I9 bounds: ${left.length} temporary files are left, ${left[0]}`];
    return { figures: { kills, postsUnanswered }, violations };
  };
};

/** F16 with a folder as store. */
export const takeStoreAway: Injection = async (stage) => {
  const store = join(stage.folder, 'store');
  stage.fault('store');
  await rename(store, `${store}-away`);
  await writeFile(store, 'not a folder');
  await stage.lasting(5_000);
  await rm(store, { recursive: true });
  await rename(`${store}-away`, store);
  stage.healed('store');
  return async () => ({
    figures: { deliveriesFailed: await stage.metric('edge', 'recording_delayed_total') },
  });
};

/** F19. */
export const crowd: Injection = async (stage) => {
  const { nodes, recordings } = stage;
  const viewers = 300 * stage.options.scale;
  const index = () => new URL(`/recordings/${recordings[0]}/index.m3u8`, nodes.controlUrl);
  const uri = await until('the recording has eight segments', async () => {
    const { segments } = readPlaylist(await (await fetch(index())).text());
    return segments.length >= 8 ? segments.at(-1)!.uri : undefined;
  });
  await stage.killAndStart('control');
  const before = await stage.metric('control', 'store_reads_total');
  stage.fault('crowd', { viewers });
  const asked = Array.from({ length: viewers }, async () => {
    const response = await fetch(new URL(uri, index()));
    return `${response.status} ${(await response.arrayBuffer()).byteLength}`;
  });
  const answers = new Set(await Promise.all(asked));
  const reads = (await stage.metric('control', 'store_reads_total')) - before;
  stage.healed('crowd', { reads });
  const violations = [
    ...(reads <= OTHER_READS ? [] : [`F19: the store was read ${reads} times for one segment`]),
    ...(answers.size === 1 && [...answers][0]!.startsWith('200 ')
      ? []
      : [`F19: answers were ${[...answers]}`]),
  ];
  return async () => ({ figures: { viewers, storeReads: reads }, violations });
};

const repeated = async (stage: Stage) => ({
  repeatedBytes: await stage.metric('edge', 'uplink_repeated_bytes_total'),
});
