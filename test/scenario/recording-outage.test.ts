import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openForRebuild } from '../../src/control/open-for-rebuild.ts';
import { controlSettings } from '../../src/control/settings.ts';
import { createLog } from '../../src/runtime/log.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import {
  clientOf,
  expectFilesInARow,
  recorded,
  type Snippet,
  segmentsMade,
  sha256,
  whilePublishing,
} from '../support/recording.ts';
import { Rig, type RigOptions } from '../support/rig.ts';

/** Segments of half a second; the encoder's list reaches back over an edge that is away for a while. */
const startRig = (options: RigOptions = {}) =>
  Rig.start({ encoder: { duration: 0.5, listSize: 20 }, ...options });

/** As above, over a line that can be cut. */
async function startCuttable(options: RigOptions = {}): Promise<{ rig: Rig; line: FaultProxy }> {
  let line: FaultProxy | undefined;
  const edgeDials = async (control: string) => {
    line = await startFaultProxy(control);
    return line.url;
  };
  const rig = await startRig({ ...options, edgeDials });
  return { rig, line: line! };
}

async function rebuildCatalog(data: string): Promise<void> {
  const settings = readSettings(controlSettings, { flags: { 'data-dir': data }, env: {} }).values;
  const log = createLog({ level: 'error', name: 'rebuild', destination: { write: () => undefined } });
  const work = await openForRebuild(settings, log);
  for await (const { unreadable } of work.run()) expect(unreadable).toEqual([]);
  await work.close();
}

/** Waits until the recording's end; it must lack nothing. */
async function endsWhole(snippet: Snippet, withinMs = 30_000): Promise<string> {
  const recording = await snippet.recordings.ended(snippet.id, withinMs);
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });
  return snippet.checkWhole();
}

const offline = (rig: Rig) =>
  rig.until('control knows that the edge is away', async () => (await rig.source())?.['state'] === 'offline');
const discontinuities = (playlist: string) => playlist.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0;

describe.concurrent('a recording lacks nothing', () => {
  test('when control is away for six seconds in its middle', async () => {
    await using rig = await startRig();
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      await rig.control.close();
      await segmentsMade(rig, 12);
      await rig.startControl();
      expect(await begun.recordings.get(begun.id)).toMatchObject({ state: 'recording', until: null });
      await segmentsMade(rig, 2);
      await begun.stop();
      return begun;
    });
    const playlist = await endsWhole(snippet);
    expect(discontinuities(playlist)).toBe(0);
  });

  test('when the line is cut and it is stopped meanwhile: it ends when it was stopped (F36)', async () => {
    const { rig, line } = await startCuttable();
    await using _line = line;
    await using _rig = rig;
    const [snippet, stopped] = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      line.cut();
      await segmentsMade(rig, 12);
      await offline(rig);
      const askedAt = Date.now();
      const answer = await begun.stop();
      expect(answer.state).toBe('draining');
      expect(Math.abs(Date.parse(answer.until!) - askedAt)).toBeLessThan(2_000);
      await segmentsMade(rig, 5);
      const waiting = await begun.recordings.get(begun.id);
      expect(waiting).toMatchObject({ state: 'draining', until: answer.until, gaps: [] });
      await line.heal();
      return [begun, answer] as const;
    });
    await endsWhole(snippet);
    expect((await snippet.recordings.get(snippet.id)).until).toBe(stopped.until);
  });

  test('when the edge is away in its middle', async () => {
    await using rig = await startRig();
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      await rig.edge.close();
      await segmentsMade(rig, 5);
      await rig.startEdge();
      await segmentsMade(rig, 3);
      await begun.stop();
      return begun;
    });
    expect(discontinuities(await endsWhole(snippet))).toBe(0);
  });

  test('when the edge is restarted without control: what it was told to keep rules on', async () => {
    // What nobody wants is let go after three seconds.
    await using rig = await startRig({ edge: { 'spool-seconds': '3' } });
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      await rig.control.close();
      await segmentsMade(rig, 5);
      await rig.edge.close();
      await segmentsMade(rig, 3);
      await rig.startEdge();
      await segmentsMade(rig, 12);
      await rig.startControl();
      await segmentsMade(rig, 2);
      await begun.stop();
      return begun;
    });
    await endsWhole(snippet);
  });

  test('when the catalog is rebuilt in its middle, from a manifest that is behind', async () => {
    await using rig = await startRig();
    const data = join(rig.folder, 'control');
    const recordings = clientOf(rig);
    const { id } = await whilePublishing(rig, async () => {
      await rig.until('the source appears', () => rig.source());
      const begun = await recordings.start({ source: rig.encoder.source, until: '+9s' });
      const manifest = join(data, 'store', 'recordings', begun.id, 'manifest.json');
      const behind = await rig.until('the manifest is there', () =>
        readFile(manifest).catch(() => undefined),
      );
      const isStored = async () => (await recordings.get(begun.id)).segments >= 8;
      await rig.until('some segments are stored', isStored);
      await rig.control.close();
      // What a kill would have left.
      await writeFile(manifest, behind);
      for (const name of await readdir(data)) if (name.startsWith('catalog.db')) await rm(join(data, name));
      await rebuildCatalog(data);
      await rig.startControl();
      expect((await recordings.get(begun.id)).segments).toBeLessThan(8);
      await recordings.ended(begun.id, 30_000);
      return begun;
    });
    expect(await recordings.get(id)).toMatchObject({ state: 'complete', gaps: [] });
    const { segments } = await recordings.replay(id);
    expect(segments.length).toBeGreaterThanOrEqual(16);
    expectFilesInARow(rig.encoder.made, segments, await recordings.download(id));
  });

  test('when the line is reset again and again', async () => {
    const { rig, line } = await startCuttable();
    await using _line = line;
    await using _rig = rig;
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      for (const left of [4_000, 6_000, 9_000]) await line.resetAfter(left);
      await begun.stop();
      return begun;
    });
    await endsWhole(snippet);
  });

  test.each([
    ['at once', 0],
    ['four seconds later', 4_000],
  ])(
    'when its encoder is restarted %s: one discontinuity, and silence where time is missing',
    async (_, pause) => {
      await using rig = await startRig();
      const snippet = await whilePublishing(rig, () => recorded(rig));
      await sleep(pause);
      rig.encoder.restart();
      await whilePublishing(rig, async () => {
        await segmentsMade(rig, 4);
        await snippet.stop();
      });
      const recording = await snippet.recordings.ended(snippet.id, 30_000);
      expect(recording.state).toBe('complete');
      expect(recording.gaps.map(({ reason }) => reason)).toEqual(pause === 0 ? [] : ['source_silent']);
      for (const { from, until } of recording.gaps) {
        const lasts = Date.parse(until) - Date.parse(from);
        expect(lasts).toBeGreaterThan(pause - 1_500);
        expect(lasts).toBeLessThan(pause + 2_500);
      }
      expect(discontinuities(await snippet.checkWhole())).toBe(1);
    },
  );

  test('nor do those who replay it notice when control is restarted', async () => {
    await using rig = await startRig();
    const [snippet, earlier] = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      const before = await begun.recordings.playlist(begun.id);
      expect(before).not.toContain('ENDLIST');
      await rig.control.close();
      await rig.startControl();
      const after = await begun.recordings.playlist(begun.id);
      expect(after.startsWith(before)).toBe(true);
      await segmentsMade(rig, 3);
      await begun.stop();
      return [begun, after] as const;
    });
    const ended = await endsWhole(snippet);
    expect(ended.startsWith(earlier)).toBe(true);
    await rig.control.close();
    await rig.startControl();
    expect(await snippet.checkWhole()).toBe(ended);
  });
});

describe.concurrent('what is lost is said', () => {
  test('when the edge comes back with an empty disk: spool_lost, and nothing is there twice', async () => {
    const { rig, line } = await startCuttable({ encoder: { duration: 0.5, listSize: 4 } });
    await using _line = line;
    await using _rig = rig;
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      line.cut();
      await segmentsMade(rig, 10);
      await rig.edge.close();
      await rm(join(rig.folder, 'edge'), { recursive: true });
      await line.heal();
      await rig.startEdge();
      await rig.until('the edge is back', async () => (await rig.source())?.['state'] !== 'offline');
      await segmentsMade(rig, 4);
      await begun.stop();
      return begun;
    });
    const recording = await snippet.recordings.ended(snippet.id, 30_000);
    expect(recording.state).toBe('incomplete');
    expect(recording.gaps.map(({ reason }) => reason)).toEqual(['spool_lost']);
    const { text, segments } = await snippet.recordings.replay(snippet.id);
    const made = rig.encoder.made.map(sha256);
    const places = segments.map((segment) => made.indexOf(sha256(segment)));
    expect(places).toEqual([...new Set(places)].filter((place) => place >= 0).sort((a, b) => a - b));
    const jumps = places.filter((place, index) => index > 0 && place !== places[index - 1]! + 1);
    expect(jumps).toHaveLength(1);
    expect(discontinuities(text)).toBe(1);
    // The encoder's list, four segments, is all that came back of three seconds and more.
    const [{ from, until } = { from: '', until: '' }] = recording.gaps;
    expect(Date.parse(until) - Date.parse(from)).toBeGreaterThan(2_000);
  });

  test('nothing is lost by it when all had been delivered before', async () => {
    await using rig = await startRig({ encoder: { duration: 0.5, listSize: 4 } });
    const snippet = await whilePublishing(rig, async () => {
      const begun = await recorded(rig);
      await begun.stop();
      return begun;
    });
    expect(await snippet.recordings.ended(snippet.id)).toMatchObject({ state: 'complete', gaps: [] });
    await rig.edge.close();
    await rm(join(rig.folder, 'edge'), { recursive: true });
    await rig.startEdge();
    await rig.encoder.publish(3);
    await rig.until('the edge is back', async () => (await rig.source())?.['state'] !== 'offline');
    expect(await snippet.recordings.get(snippet.id)).toMatchObject({ state: 'complete', gaps: [] });
    await snippet.checkWhole();
  });

  test('of time that an earlier spool had, when it is asked for after the loss: beyond_spool', async () => {
    await using rig = await startRig({ encoder: { duration: 0.5, listSize: 4 } });
    await whilePublishing(rig, async () => {
      await rig.until('the source appears', () => rig.source());
      await segmentsMade(rig, 10);
    });
    await rig.edge.close();
    await rm(join(rig.folder, 'edge'), { recursive: true });
    await rig.startEdge();
    const recording = await whilePublishing(rig, async () => {
      await rig.until('the edge is back', async () => (await rig.source())?.['state'] === 'idle');
      const { id } = await clientOf(rig).start({ source: 'camera-0', from: '-5s', until: '+1s' });
      return clientOf(rig).ended(id);
    });
    expect(recording.state).toBe('incomplete');
    expect(recording.gaps.map(({ reason }) => reason)).toContain('beyond_spool');
  });
});
