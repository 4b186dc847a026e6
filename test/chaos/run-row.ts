import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, type Verdict } from './checker.ts';
import { monotonicMs } from './history.ts';
import { injections } from './injections.ts';
import type { Row } from './rows.ts';
import { Stage } from './stage.ts';

/** What a run of a row came to. */
export type RowReport = {
  readonly id: string;
  readonly seed: string;
  /** Sentences; empty when all is as it must be. */
  readonly violations: readonly string[];
  /** Why the run proves nothing (I10); empty when the fault bit. */
  readonly void: readonly string[];
  readonly notes: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  /** Where the history is, if it was left for reading. */
  readonly history: string | undefined;
};

export type RunOptions = {
  readonly seed: string;
  /** Multiplies how long faults last; 1 is the short form. */
  readonly scale?: number;
  /** Checks what the edge serves to its LAN: for rows that hurt ingest alone, and without recordings. */
  readonly lan?: boolean;
};

/** So long a recording may take to end after its last fault, at least. */
const DRAINS_WITHIN_MS = 30_000;

/**
 * A row from begin to end: nodes, line, source and viewer start, a recording is begun, the fault is injected and
 * healed, the recording is stopped and, when it has ended, compared with what the source made.
 */
export async function runRow(row: Row, { seed, scale = 1, lan = false }: RunOptions): Promise<RowReport> {
  const stage = await Stage.start({ row, seed, scale, lan });
  let failed = true;
  try {
    await stage.record();
    await stage.segments(3);
    const asked = await injections[row.id](stage);
    const healedAt = monotonicMs();
    await stage.segments(4);
    for (const id of stage.recordings) await stage.stopRecording(id);
    // The segments that follow tell the edge that the span is over.
    await ended(stage, DRAINS_WITHIN_MS * scale);
    const drainMs = Math.round(monotonicMs() - healedAt);
    await stage.endSource();
    await stage.endViewer();
    const verdicts = await Promise.all(stage.recordings.map((id) => verdictOf(stage, id)));
    const { figures, violations = [] } = await asked();
    const report: RowReport = {
      ...{ id: row.id, seed, history: stage.history.path },
      violations: [...verdicts.flatMap((verdict) => verdict.violations), ...violations],
      void: row.proofs.flatMap(({ figure, atLeast, means, inFull }) =>
        (figures[figure] ?? 0) >= atLeast || (inFull && scale < 10)
          ? []
          : [`${figure} is ${figures[figure] ?? 0}, not ${atLeast}: ${means}`],
      ),
      notes: verdicts.flatMap(({ notes }) => notes),
      figures: { ...sumOf(verdicts), drainMs, made: stage.simulator.made, ...figures },
    };
    failed = report.violations.length > 0 || report.void.length > 0;
    return failed ? report : { ...report, history: undefined };
  } finally {
    await stage.end(failed);
  }
}

/** Waits until every recording has ended, or the time is over: then the checker says in which state it is. */
async function ended(stage: Stage, withinMs: number): Promise<void> {
  const deadline = monotonicMs() + withinMs;
  for (;;) {
    const states = await Promise.all(
      stage.recordings.map(async (id) => (await stage.recorder.get(id))?.state),
    );
    if (states.every((state) => state === 'complete' || state === 'incomplete')) return;
    if (monotonicMs() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function verdictOf(stage: Stage, id: string): Promise<Verdict> {
  const { recorder, simulator, history, options, prober } = stage;
  const recording = await recorder.get(id);
  if (recording === undefined) {
    return {
      violations: [`I1 completeness: recording ${id} is gone`],
      notes: [],
      owed: 0,
      allowed: 0,
      kept: 0,
    };
  }
  const download = await recorder.download(id);
  const { row, seed, lan } = options;
  const replay = await recorder.replay(id);
  await writeFile(join(stage.folder, `${id}.json`), JSON.stringify(recording, undefined, 2));
  await writeFile(join(stage.folder, `${id}.m3u8`), replay.playlist);
  const { source, durationMs, bytes } = simulator;
  // Of an earlier process of control nothing is asked.
  const waived = row.controlDies ? ['A1', 'A2'] : [];
  // With segments of half a second a tail is as long as a list. What comes behind an outage, faster than it plays,
  // may then move the list on, inside one stretch, by one segment more than it holds, between two looks of a viewer.
  const isHop = (detail: string) => detail.includes('opens a stretch behind');
  const live = prober.violations
    .filter(({ rule, detail }) => !waived.includes(rule) && !isHop(detail))
    .map(({ rule, detail, reply }) => `${rule} at reply ${reply}: ${detail}`);
  return check({
    ...{ events: history.events, recording, replay, live },
    spec: { seed, source, durationMs, bytes },
    // The list of a LAN says that something is missing, not why.
    allowed: lan && row.gaps.reasons.length > 0 ? { ...row.gaps, reasons: ['lan'] } : row.gaps,
    ...(download && { download }),
  });
}

const sumOf = (verdicts: readonly Verdict[]) => ({
  owed: verdicts.reduce((sum, { owed }) => sum + owed, 0),
  kept: verdicts.reduce((sum, { kept }) => sum + kept, 0),
});

/** A report as it is printed: the seed first, which replays it. */
export function printed({ id, seed, figures, violations, void: nothing, notes, history }: RowReport): string {
  const lines = [
    `${id} LIVEMIX_SEED=${seed} ${JSON.stringify(figures)}`,
    ...violations.map((sentence) => `  VIOLATION ${sentence}`),
    ...nothing.map((sentence) => `  VOID ${sentence}`),
    ...notes.map((sentence) => `  note ${sentence}`),
    ...(history === undefined ? [] : [`  history ${history}`]),
  ];
  return lines.join('\n');
}
