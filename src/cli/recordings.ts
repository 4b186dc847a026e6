import { Command } from 'commander';
import { SystemClock } from '../runtime/clock.ts';
import { downloadRecording } from './download-recording.ts';
import { OperatorFailed } from './operator-client.ts';
import { addOperatorCommand, type Flag, type Operator } from './operator-command.ts';
import { addRebuild } from './rebuild-recordings.ts';
import { byteText, durationText, table } from './table.ts';
import { verifyRecording } from './verify-recording.ts';
import { waitForRecording } from './wait-for-recording.ts';

/** A recording as `GET /v1/recordings` gives it. */
export type RecordingJson = {
  readonly id: string;
  readonly source: string;
  readonly title: string;
  readonly state: string;
  readonly keep: boolean;
  readonly from: string;
  readonly until: string | null;
  readonly settledUntil: string;
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly gaps: readonly { readonly from: string; readonly until: string; readonly reason: string }[];
};

const WAIT: Flag = ['--wait', 'stay until it is complete, with a progress bar'];

/** `livemix recordings …` */
export function recordingsCommand(): Command {
  const command = new Command('recordings').description(
    'Records snippets of sources, also from the past, and lists, fetches and removes them.',
  );
  addOperatorCommand(
    command,
    'list',
    'lists all recordings, newest first',
    async ({ ask, pages }, _names, { source }) => {
      const query = source === undefined ? '' : `?source=${encodeURIComponent(String(source))}`;
      const recordings: RecordingJson[] = [];
      for await (const page of pages<RecordingJson>(`/v1/recordings${query}`)) recordings.push(...page);
      if (recordings.length > 0) return print(recordings);
      // One that is not known is told from one that has not been recorded.
      if (source !== undefined) await ask('GET', `/v1/sources/${encodeURIComponent(String(source))}`);
      console.log(`Nothing has been recorded yet. Begin: livemix recordings start ${source ?? 'SOURCE'}`);
    },
    { isDefault: true, flags: [['--source <NAME>', 'those of one source']] },
  );
  addOperatorCommand(command, 'show <id>', 'shows one recording and its gaps', async ({ ask }, [id]) =>
    show(await ask<RecordingJson>('GET', path(id!))),
  );
  addOperatorCommand(
    command,
    'start <source>',
    'begins a recording',
    async (operator, [source], { from, until, title, wait }) => {
      const body = { source, from, until, title };
      const started = await operator.ask<RecordingJson>('POST', '/v1/recordings', body);
      await showOrWait(operator, started, wait === true);
    },
    {
      flags: [
        ['--from <TIME>', 'when it begins: an ISO time, or an offset from now such as -30s (default: now)'],
        ['--until <TIME>', 'when it ends: an ISO time, or an offset such as +10m (default: when stopped)'],
        ['--title <TEXT>', 'what it is called'],
        WAIT,
      ],
    },
  );
  addOperatorCommand(
    command,
    'stop <id>',
    'ends a recording now',
    async (operator, [id], { wait }) => {
      const stopped = await operator.ask<RecordingJson>('POST', `${path(id!)}/stop`);
      await showOrWait(operator, stopped, wait === true);
    },
    { flags: [WAIT] },
  );
  addOperatorCommand(command, 'rename <id> <title>', 'gives it a title', async ({ ask }, [id, title]) =>
    show(await ask<RecordingJson>('PATCH', path(id!), { title })),
  );
  addOperatorCommand(command, 'keep <id>', 'keeps it for ever, whatever its age', async ({ ask }, [id]) =>
    show(await ask<RecordingJson>('PATCH', path(id!), { keep: true })),
  );
  addOperatorCommand(command, 'release <id>', 'lets age and quota remove it again', async ({ ask }, [id]) =>
    show(await ask<RecordingJson>('PATCH', path(id!), { keep: false })),
  );
  addOperatorCommand(command, 'delete <id>', 'removes it and what only it has', async ({ ask }, [id]) => {
    await ask('DELETE', path(id!));
    console.log(`${id} is deleted.`);
  });
  addOperatorCommand(
    command,
    'download <id>',
    'fetches it as one file',
    (operator, [id], flags) => downloadRecording(operator, id!, flags),
    {
      flags: [
        ['--output <FILE>', 'where to write it (default: as control names it, here)'],
        ['--format <ts|mp4>', 'the bytes as they are, or one MP4 (default: mp4)'],
        ['--rendition <NAME>', 'which of several, such as sound of its own (default: the best variant)'],
      ],
    },
  );
  addOperatorCommand(
    command,
    'verify <id>',
    'reads every object again and compares its digest',
    verifyRecording,
  );
  addRebuild(command);
  return command;
}

export const path = (id: string): string => `/v1/recordings/${encodeURIComponent(id)}`;

/** Fails, for scripts, when what was waited for lacks media. */
async function showOrWait(operator: Operator, recording: RecordingJson, wait: boolean): Promise<void> {
  if (!wait) return show(recording);
  const ended = await waitForRecording(operator, recording, new SystemClock());
  show(ended);
  if (ended.state === 'incomplete') throw new OperatorFailed(`Recording ${ended.id} lacks media.`);
}

function print(recordings: readonly RecordingJson[]): void {
  const rows = recordings.map(({ id, source, state, from, durationSeconds, bytes, gaps, keep, title }) => [
    id,
    source,
    keep ? `${state}, kept` : state,
    from.replace('T', ' ').slice(0, 19),
    durationText(durationSeconds),
    byteText(bytes),
    String(gaps.length),
    title,
  ]);
  console.log(table([['ID', 'SOURCE', 'STATE', 'FROM (UTC)', 'LENGTH', 'SIZE', 'GAPS', 'TITLE'], ...rows]));
}

function show(recording: RecordingJson): void {
  print([recording]);
  if (recording.gaps.length === 0) return;
  console.log('');
  const rows = recording.gaps.map(({ from, until, reason }) => [
    from,
    durationText((Date.parse(until) - Date.parse(from)) / 1000),
    reason,
  ]);
  console.log(table([['GAP FROM', 'LENGTH', 'REASON'], ...rows]));
}
