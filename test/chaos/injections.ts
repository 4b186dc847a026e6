import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './history.ts';
import * as nodes from './inject-nodes.ts';
import type { RowId } from './rows.ts';
import type { Stage } from './stage.ts';

/** What a fault left behind: figures that prove it, and sentences about what must not be. */
export type Bite = {
  readonly figures: Readonly<Record<string, number>>;
  readonly violations?: readonly string[];
};

/** Hurts and heals. What it returns is asked when the recording has ended. */
export type Injection = (stage: Stage) => Promise<() => Promise<Bite>>;

const bite = (figures: Record<string, number>) => async () => ({ figures });

/** How often the edge has dialled, counted by itself. */
const linksOpened = (stage: Stage) => stage.metric('edge', 'link_opened_total');
const gapsStated = (stage: Stage) => async () => ({
  figures: { gapsStated: await stage.metric('edge', 'ingest_gaps_total') },
});

/** Cuts the line for so long and counts what was made meanwhile. */
async function cutFor(stage: Stage, ms: number, how: 'cut' | 'reset'): Promise<number> {
  const { line, simulator } = stage;
  const before = simulator.made;
  stage.fault(how);
  await (how === 'cut' ? line.cut() : line.reset());
  await stage.lasting(ms);
  await line.heal();
  stage.healed(how, { segments: simulator.made - before });
  return simulator.made - before;
}

const F1: Injection = async (stage) => {
  const began = monotonicMs();
  const segmentsWhileCut = await cutFor(stage, 7_000, 'cut');
  const outageMs = monotonicMs() - began;
  return async () => ({ figures: { segmentsWhileCut, outageMs, linksOpened: await linksOpened(stage) } });
};

const F3: Injection = async (stage) => {
  let segmentsWhileCut = await cutFor(stage, 2_000, 'reset');
  await stage.segments(3);
  segmentsWhileCut += await cutFor(stage, 2_000, 'reset');
  return async () => ({ figures: { segmentsWhileCut, linksOpened: await linksOpened(stage) } });
};

const F5: Injection = async (stage) => {
  const { line, simulator } = stage;
  const before = { made: simulator.made, up: line.bytesUp() };
  stage.fault('rate');
  line.rate(0.4 * stage.bytesPerSecond);
  await stage.lasting(6_000);
  const madeBytes = (simulator.made - before.made) * simulator.bytes;
  const upBytes = line.bytesUp() - before.up;
  await line.heal();
  stage.healed('rate', { madeBytes, upBytes });
  const skipped = async () => stage.metric('edge', 'live_skipped_total');
  return async () => ({
    figures: { shortBytes: madeBytes - upBytes, upBytes, liveSkipped: await skipped() },
  });
};

const F23: Injection = async (stage) => {
  const { simulator, prng } = stage;
  stage.fault('posts');
  for (let round = 0; round < 2 * stage.options.scale; round++) {
    await simulator.play({ kind: 'duplicate', times: 10 });
    await simulator.play({ kind: 'together' });
    await simulator.play({ kind: 'replay', back: prng.integer(1, 4) });
    await simulator.play({ kind: 'replay', back: prng.integer(8, 16) });
    await simulator.play({ kind: 'reorder' });
  }
  stage.healed('posts');
  return async () => ({
    figures: { withoutNews: await stage.metric('edge', 'ingest_playlists_without_news_total') },
  });
};

const F24: Injection = async (stage) => {
  const { simulator, prng } = stage;
  stage.fault('restart');
  for (const sameNames of [true, false, true]) {
    await simulator.play({ kind: 'restart', afterMs: prng.integer(0, 900) * stage.options.scale, sameNames });
    await stage.segments(prng.integer(3, 6));
  }
  stage.healed('restart');
  return async () => ({ figures: { runs: await stage.metric('edge', 'ingest_runs_total') } });
};

const F25: Injection = async (stage) => {
  stage.fault('numbers');
  await stage.simulator.play({ kind: 'jump', numbers: 7 });
  await stage.segments(7);
  await stage.simulator.play({ kind: 'lose-posts', count: 7 });
  await stage.segments(3);
  stage.healed('numbers');
  return gapsStated(stage);
};

const F26: Injection = async (stage) => {
  const { simulator, prng } = stage;
  stage.fault('files');
  for (let round = 0; round < 2 * stage.options.scale; round++) {
    await simulator.play({ kind: 'truncate' });
    await stage.segments(prng.integer(1, 3));
    await simulator.play({ kind: 'unlink' });
    await stage.segments(prng.integer(1, 3));
    await simulator.play({ kind: 'shrink', afterMs: prng.integer(0, 4) });
  }
  await stage.segments(2);
  stage.healed('files');
  return gapsStated(stage);
};

const F27: Injection = async (stage) => {
  const { simulator, prng } = stage;
  stage.fault('partial');
  let partials = 0;
  for (; partials < 4 * stage.options.scale; partials++) {
    await simulator.play({ kind: 'partial', completesAfterMs: prng.integer(50, 400) });
    await stage.segments(1);
  }
  stage.healed('partial');
  return bite({ partials });
};

const F28: Injection = async (stage) => {
  stage.fault('names');
  for (const posted of [false, true, false]) {
    await stage.simulator.play({ kind: 'same-name', posted });
    await stage.segments(7);
  }
  stage.healed('names');
  return gapsStated(stage);
};

const F13: Injection = async (stage) => {
  await cutFor(stage, 8_000, 'cut');
  return async () => ({
    figures: {
      spoolFull: await stage.metric('edge', 'spool_full_total'),
      lost: await stage.metric('edge', 'ingest_gaps_total', 'spool_full'),
    },
  });
};

const F35: Injection = async (stage) => {
  const { frames } = stage;
  stage.fault('messages');
  frames.hurt({ probability: 0.3, delayMs: 1_000 * stage.options.scale });
  await stage.lasting(2_000);
  const id = await stage.record();
  await stage.lasting(4_000);
  await stage.stopRecording(id);
  await stage.lasting(3_000);
  frames.heal();
  const { dropped, doubled, late } = frames.counts;
  stage.healed('messages', frames.counts);
  return bite({ messagesHurt: dropped + doubled + late, dropped, doubled, late });
};

const F36: Injection = async (stage) => {
  const { line, simulator, recorder, recordings } = stage;
  const stopped = recordings[0]!;
  const doomed = await stage.record();
  await stage.segments(3);
  const before = simulator.made;
  stage.fault('cut');
  line.cut();
  await stage.segments(4);
  await stage.stopRecording(stopped);
  await stage.segments(3);
  await stage.stopRecording(doomed);
  await line.heal();
  stage.healed('cut', { segments: simulator.made - before });
  const was = (await recorder.get(doomed))?.state;
  await recorder.delete(doomed);
  recordings.splice(recordings.indexOf(doomed), 1);
  return async () => {
    const still = await recorder.get(doomed);
    return {
      figures: { segmentsWhileCut: 7, deleted: was === 'draining' || was === 'recording' ? 1 : 0 },
      violations: still ? [`I2 no invention: the deleted recording is still there, ${still.state}`] : [],
    };
  };
};

const F17: Injection = async (stage) => {
  const { store } = stage;
  if (store === undefined) throw new Error('F17 needs a real S3');
  stage.fault('wrong answers');
  store.goWrong(0.5);
  await stage.lasting(6_000);
  store.goWrong(0);
  stage.healed('wrong answers');
  return async () => ({
    figures: {
      wrongAnswers: store.count,
      storeFailures: await stage.metric('control', 'store_failures_total'),
    },
  });
};

/** What each row does, by its id. */
export const injections: Readonly<Record<RowId, Injection>> = {
  ...{ F1, F3, F5, F13, F17, F23, F24, F25, F26, F27, F28, F35, F36 },
  F7: nodes.killControlWithinPut,
  F8: nodes.killControlBehindPut,
  F10: nodes.killEdge,
  F16: nodes.takeStoreAway,
  F19: nodes.crowd,
};

/** Files of an edge that were never given their name. None may stay when it rests. */
export async function temporaryFiles(folder: string): Promise<string[]> {
  await sleep(100);
  const names = await readdir(join(folder, 'edge'), { recursive: true });
  return names.filter((name) => name.endsWith('.tmp'));
}
