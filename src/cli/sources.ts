import { Command } from 'commander';
import { SystemClock } from '../runtime/clock.ts';
import { addOperatorCommand } from './operator-command.ts';
import { ageText, byteText, table } from './table.ts';

/** A source as `GET /v1/sources` gives it. */
type SourceView = {
  readonly name: string;
  readonly edge: string;
  readonly state: string;
  readonly mode: string;
  readonly viewers: number;
  readonly ingestedBytes: number;
  readonly forwardedBytes: number;
  readonly lastSegmentAt: string | null;
  readonly trouble?: { readonly code: string; readonly detail: string; readonly hint: string };
};

/** `livemix sources …` */
export function sourcesCommand(): Command {
  const command = new Command('sources').description(
    'Lists the sources of a control node and commands them.',
  );
  addOperatorCommand(
    command,
    'list',
    'lists all sources',
    async ({ ask }) => print(await ask<SourceView[]>('GET', '/v1/sources')),
    { isDefault: true },
  );
  addOperatorCommand(command, 'show <name>', 'shows one source', async ({ ask }, [name]) =>
    print([await ask<SourceView>('GET', sourcePath(name!))]),
  );
  addOperatorCommand(
    command,
    'mode <name> <mode>',
    'forward it on-demand, always or not at all (off)',
    async ({ ask }, [name, mode]) => print([await ask<SourceView>('PATCH', sourcePath(name!), { mode })]),
  );
  addOperatorCommand(
    command,
    'delete <name>',
    'frees the name, for another edge to take',
    async ({ ask }, [name]) => {
      await ask('DELETE', sourcePath(name!));
      console.log(`${name} is deleted. If its edge still reports it, it appears again.`);
    },
  );
  return command;
}

const sourcePath = (name: string): string => `/v1/sources/${encodeURIComponent(name)}`;

function print(sources: readonly SourceView[]): void {
  if (sources.length === 0) {
    console.log('No source has been reported yet. Push one to an edge: see the README.');
    return;
  }
  const now = new SystemClock().now();
  const rows = sources.map((source) => [
    source.name,
    source.state,
    source.mode,
    source.edge,
    String(source.viewers),
    byteText(source.ingestedBytes),
    byteText(source.forwardedBytes),
    ageText(source.lastSegmentAt, now),
  ]);
  console.log(
    table([['NAME', 'STATE', 'MODE', 'EDGE', 'VIEWERS', 'INGESTED', 'FORWARDED', 'LAST SEGMENT'], ...rows]),
  );
  for (const { name, trouble } of sources) {
    if (trouble !== undefined)
      console.log(`\n${name}: ${trouble.detail}\n  ${trouble.hint} (${trouble.code})`);
  }
}
