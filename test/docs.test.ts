import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vite';
import { describe, expect, test } from 'vitest';
import { readConfigSources } from '../src/cli/config-sources.ts';
import { demoCommand } from '../src/cli/demo.ts';
import { operatorSettings } from '../src/cli/operator-command.ts';
import { recordingsCommand } from '../src/cli/recordings.ts';
import { sourcesCommand } from '../src/cli/sources.ts';
import { linkEnds } from '../src/control/edges/edge-session.ts';
import { controlEvents } from '../src/control/events.ts';
import { healingOf, recordingGapTexts } from '../src/control/recordings/gap-texts.ts';
import { controlSettings } from '../src/control/settings.ts';
import { edgeEvents } from '../src/edge/events.ts';
import { commandTroubles } from '../src/edge/input/command/command-trouble.ts';
import { edgeSettings } from '../src/edge/settings.ts';
import { configTroubleText, gapTrouble, inputTroubles } from '../src/edge/trouble.ts';
import { errorTable } from '../src/media/error.ts';
import { gapReasons } from '../src/media/segment-record.ts';
import { SystemClock } from '../src/runtime/clock.ts';
import { parseConfigFile, readConfigFile } from '../src/runtime/config-file.ts';
import { createLog } from '../src/runtime/log.ts';
import { createMetrics } from '../src/runtime/metrics.ts';
import { readSettings, type SettingsTable } from '../src/runtime/settings.ts';
import { settingRows, settingsMarkdown } from '../src/runtime/settings-help.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const COMMAND = 'UPDATE_DOCS=1 npx vitest run test/docs.test.ts';
const GENERATED = `<!-- Made from the code. Change it there, then: ${COMMAND} -->\n`;

const cell = (text: string): string => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** Rows as they read well on a page: an empty default is none; examples stand together at the end. */
function plain<T>(settings: SettingsTable<T>): SettingsTable<T> {
  const rows = Object.entries(settings as Record<string, { default?: string; example?: string }>);
  return Object.fromEntries(
    rows.map(([key, { default: fallback, example: _, ...rest }]) => [
      key,
      fallback ? { ...rest, default: fallback } : rest,
    ]),
  ) as SettingsTable<T>;
}

const settingsPage = (): string => `${GENERATED}
# Settings

Every setting can be given in four ways. The strongest is the flag, then the environment variable, then the file of
\`--config FILE\`, then the default. An empty variable counts as not set. A \`LIVEMIX_\` variable that a command does not
know is a warning. A key in the file that it does not know is an error. \`livemix <command> --help\` shows the same table.

## livemix control

${settingsMarkdown(plain(controlSettings))}
## livemix edge

${settingsMarkdown(plain(edgeSettings))}
## livemix sources, livemix recordings

${settingsMarkdown(plain(operatorSettings))}
## livemix demo

${table(
  ['flag', 'default', 'meaning'],
  demoCommand(() => undefined).options.map(({ flags, defaultValue, description }) => [
    `\`${flags.replace(/[<>]/g, '')}\``,
    `\`${defaultValue}\``,
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
  ]),
)}

## A file for an edge

\`\`\`yaml
# livemix edge --config edge.yaml
control-url: https://live.example.org
edge-name: harbour
edge-token: 3f1c9a0b7e5d2846
media-roots: [/tmp/hls, /srv/cameras]
media-origins: [http://10.0.0.5:8000]
spool-seconds: 1800
spool-bytes: 8GiB
\`\`\`

A file with a token in it should be readable by LiveMix alone (\`chmod 600\`). Tokens have 8 to 512 printable ASCII
characters and no space; \`openssl rand -hex 16\` makes a good one.

## Sources that an edge brings in by itself

They stand in the same file, and nowhere else, below \`sources:\`, each under its name.

\`\`\`yaml
sources:
  gate: https://cam.example/live/index.m3u8
  yard:
    input: rtsp://10.0.0.7/stream1
    pull: on-demand
  bench:
    ffmpeg: ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"]
    output: ["-c:v", "libx264", "-preset", "veryfast", "-g", "50"]
\`\`\`

| key | meaning |
| --- | --- |
| \`input\` | \`http(s)://….m3u8\`: the playlist is polled, and its segments are fetched as they are. \`rtsp://\`, \`rtsps://\`, \`rtmp://\`, \`rtmps://\`, \`srt://\`, \`udp://\`, \`/dev/video0\`: ffmpeg reads it. A URL in place of a source means its \`input\` |
| \`pull\` | \`always\` (the default), or \`on-demand\`: it runs while somebody watches it, by control or on the LAN, or a recording wants it, and for 10 s after |
| \`ffmpeg\` | In place of \`input\`: any inputs of ffmpeg's, with their options, as a list. No shell reads it |
| \`output\` | What ffmpeg does with the streams, as a list. By default \`-c copy\`: nothing is transcoded |

\`kill -HUP\` makes the edge read the file again: sources that are new begin, those that are gone end, those that have changed
begin anew, and the others go on untouched. Other settings count from the next start on. What is wrong with a source is
told with its line, in the log and as its trouble; it goes on as it was configured before, and so does the rest. A file that cannot be read as
a whole is exit 2 at the start; later all goes on as it was. A user name and password in a URL are shown nowhere.

## Exit codes

0 ok · 1 failed · 2 wrong usage or settings, with one line that names the setting and the mend · 70 our own bug.
`;

const errorsPage = (): string => `${GENERATED}
# Errors

Every error is answered as \`application/problem+json\`:
\`{ "code", "title", "detail", "hint", "requestId" }\`. \`code\` never changes its meaning; \`detail\` says what happened
this time; \`hint\` says what to do. With 429 and 503 comes \`Retry-After\`. ffmpeg reads no answers: what is wrong with
an encoder stands in the log of the edge, on the page and in \`livemix sources\`.

${table(
  ['code', 'status', 'meaning', 'what to do'],
  Object.entries(errorTable).map(([code, { status, title, mend }]) => [
    `\`${code}\``,
    String(status),
    title,
    mend,
  ]),
)}

## Troubles of a source

\`GET /v1/sources\` shows the newest trouble of a source as \`trouble: { code, detail, hint }\`. It is one of the codes
above, when a playlist was refused, or one of these. The first ${gapReasons.length} are gaps: media that the edge never got,
marked with EXT-X-GAP in the playlist. A trouble ends with the next segment that is taken in.

${table(
  ['code', 'what happened', 'what to do'],
  [
    ...gapReasons.map(gapTrouble).map(({ code, detail, hint }) => [`\`${code}\``, detail, hint]),
    ...Object.entries(inputTroubles).map(([code, { detail, hint }]) => [`\`${code}\``, detail, hint]),
    ['`source_misconfigured`', configTroubleText.detail, configTroubleText.hint],
    ...Object.entries(commandTroubles).map(([code, { detail, hint }]) => [`\`${code}\``, detail, hint]),
    [
      '`edge_offline`',
      'The edge is not connected, or has had nothing of this source since it was started.',
      'Check that the edge runs and reaches control, and the encoder.',
    ],
    ['`source_silent`', 'The edge is connected, but its encoder sends nothing.', 'Check the encoder.'],
  ],
)}

## Gaps of a recording

\`GET /v1/recordings/ID\` and \`livemix recordings show ID\` list what a recording lacks as \`gaps: [{ from, until, reason }]\`. All but
\`source_silent\` make it \`incomplete\`. While it has not ended a gap may close by itself, when what was owed comes.

${table(
  ['reason', 'what happened', 'does it heal afterwards', 'what to do'],
  [
    ...Object.entries(recordingGapTexts).map(([reason, { detail, heals, hint }]) => [
      `\`${reason}\``,
      detail,
      heals,
      hint,
    ]),
    ...gapReasons.map((reason) => {
      const { detail, hint } = gapTrouble(reason);
      return [`\`${reason}\``, detail, healingOf(reason), hint];
    }),
  ],
)}

## Why control ended a link

The edge logs the number and the words: \`link to control is closed\`. It dials again by itself.

${table(
  ['WebSocket code', 'reason'],
  Object.values(linkEnds).map(([code, reason]) => [String(code), reason]),
)}
`;

type Metric = { name: string; type: string; help: string; labels: readonly string[] };
type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The metrics that a file makes, from its text: `metrics.counter('name', 'help', ['label'])`. */
function metricsIn(path: string, prefix: string): Metric[] {
  const found: Metric[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    const callee = node['callee'] as { object?: { name?: string }; property?: { name?: string } } | undefined;
    const type = callee?.property?.name ?? '';
    const made = callee?.object?.name === 'metrics' && ['counter', 'gauge', 'histogram'].includes(type);
    if (node.type === 'CallExpression' && made) {
      const [name, help, labels] = node['arguments'] as { value?: string; elements?: { value: string }[] }[];
      if (typeof name?.value !== 'string' || typeof help?.value !== 'string')
        throw new Error(`${path}: a metric’s name and help must be plain strings`);
      const labelNames = labels?.elements?.map((label) => label.value) ?? [];
      found.push({ name: prefix + name.value, type, help: help.value, labels: labelNames });
    }
    for (const part of Object.values(node)) visit(part);
  };
  visit(parseAst(textOf(path), { lang: 'ts' }));
  return found;
}

const nodeMetrics = {
  edge: ['src/edge/events.ts', 'src/edge/edge-node.ts'].flatMap((path) => metricsIn(path, 'livemix_edge_')),
  control: ['src/control/events.ts', 'src/control/control-node.ts'].flatMap((path) =>
    metricsIn(path, 'livemix_control_'),
  ),
  process: metricsIn('src/runtime/process-metrics.ts', ''),
};

const metricTable = (metrics: readonly Metric[]): string =>
  table(
    ['name', 'kind', 'labels', 'meaning'],
    metrics.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      `${help.replace(/\.$/, '')}.`,
    ]),
  );

const metricsPage = (): string => `${GENERATED}
# Metrics

Each node answers \`GET /metrics\` in Prometheus’ text format, to its own machine alone: a request from elsewhere, or one
that a proxy passed on (\`X-Forwarded-For\`, \`Forwarded\`), gets 404. Let Prometheus scrape from the same machine, or
through a tunnel.

## Edge

${metricTable(nodeMetrics.edge)}

## Control

${metricTable(nodeMetrics.control)}

## Both

${metricTable(nodeMetrics.process)}

## What to watch

- \`livemix_edge_ingest_gaps_total\` rises: an encoder announces media that the edge cannot have. \`reason\` is explained in
  [errors.md](errors.md).
- \`livemix_edge_live_skipped_total\` rises while somebody watches: the uplink does not keep up, and viewers skip. It also rises
  when a viewer comes after a pause, by what nobody watched.
- \`livemix_edge_uplink_repeated_bytes_total\` rises: uploads are broken off, or their answers are lost.
- \`livemix_control_live_held_bytes\` nears half of \`max\` in \`LIVEMIX_CACHE_URL\`: the next source will be refused.
- \`livemix_control_cache_failures_total\` rises: memcached is in trouble. Viewers are not; see the log.
`;

describe('pages that are made from the code', () => {
  test.each([
    ['docs/settings.md', settingsPage],
    ['docs/errors.md', errorsPage],
    ['docs/metrics.md', metricsPage],
  ])('%s says what the code says', (path, make) => {
    if (process.env['UPDATE_DOCS']) writeFileSync(join(root, path), make());
    const page = existsSync(join(root, path)) ? textOf(path) : '';
    expect(page, `${path} is old. Make it anew: ${COMMAND}`).toBe(make());
  });

  test('every metric that the events make is on the page', () => {
    const clock = new SystemClock();
    const log = createLog({ name: 'test', level: 'error', destination: { write: () => undefined } });
    const edge = createMetrics('livemix_edge_', { process: true });
    const control = createMetrics('livemix_control_');
    edgeEvents(log, edge, clock);
    controlEvents(log, control, clock);
    const made = [edge, control].flatMap(({ registry }) => registry.getMetricsAsArray());
    expect(made.length).toBeGreaterThan(25);
    const page = textOf('docs/metrics.md');
    const lacking = made.filter(({ name, help }) => !page.includes(`\`${name}\``) || !page.includes(help));
    expect(lacking.map(({ name }) => name)).toEqual([]);
  });

  test('the example of a file is one that an edge takes', () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(textOf('docs/settings.md'))![1]!;
    const file = parseConfigFile(yaml, 'edge.yaml');
    const { values, warnings } = readSettings(edgeSettings, { flags: {}, env: {}, file });
    expect(values).toMatchObject({ edgeName: 'harbour', mediaRoots: ['/tmp/hls', '/srv/cameras'] });
    expect(warnings).toEqual([]);
  });

  test('the example of sources is one that an edge takes', () => {
    const [, yaml] = [...textOf('docs/settings.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text]) => text!,
    );
    const { sources, faults } = readConfigSources(readConfigFile(yaml!, 'edge.yaml'), 'edge.yaml');
    expect(faults).toEqual([]);
    expect(sources.map(({ name, when }) => `${name} ${when}`)).toEqual([
      'gate always',
      'yard on-demand',
      'bench always',
    ]);
  });
});

const rowsOf = <T>(settings: SettingsTable<T>) => ({
  flags: ['--config', '--help', ...settingRows(settings).map((row) => row.flag)],
  variables: settingRows(settings).map((row) => row.env),
});
const demoFlags = demoCommand(() => undefined).options.map(({ long }) => long ?? '');
const commands: Readonly<Record<string, { flags: readonly string[]; variables: readonly string[] }>> = {
  control: rowsOf(controlSettings),
  edge: rowsOf(edgeSettings),
  sources: rowsOf(operatorSettings),
  recordings: {
    flags: recordingsCommand().commands.flatMap(({ options }) => options.map(({ long }) => long!)),
    variables: [...rowsOf(operatorSettings).variables, ...rowsOf(controlSettings).variables],
  },
  demo: { flags: [...demoFlags, '--help'], variables: [] },
};
const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);

/** What is wrong with the commands that a page tells people to type. */
function wrongCommands(page: string): string[] {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text!.replaceAll('\\\n', ' '));
  const inline = [...page.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
  const lines = [...blocks.join('\n').split('\n'), ...inline];
  return lines.flatMap((line) => [...wrongScripts(line), ...wrongLiveMix(line)]);
}

const wrongScripts = (line: string): string[] =>
  [...line.matchAll(/\bnpm run ([\w:-]+)/g)]
    .filter(([, name]) => !scripts.includes(name!))
    .map(([text]) => `${text}: no such script`);

function wrongLiveMix(line: string): string[] {
  const found =
    /^((?:LIVEMIX_\w+=\S+ +)*)(?:\S*npx |\S*node )?(?:\S*\/)?livemix(?:\.js)? +([a-z]+\b.*)$/.exec(
      line.trim(),
    );
  if (found === null) return [];
  const [name, ...words] = found[2]!.split(' #')[0]!.trim().split(/ +/);
  const command = commands[name!];
  if (command === undefined) return [`${line}: no such command`];
  const variables = [...found[1]!.matchAll(/LIVEMIX_\w+/g)].map(([variable]) => variable);
  const wrong = [
    ...words
      .filter((word) => word.startsWith('--') && !command.flags.includes(word.split('=')[0]!))
      .map((flag) => `${line}: no such flag ${flag}`),
    ...variables
      .filter((variable) => !command.variables.includes(variable))
      .map((variable) => `${line}: ${name} does not read ${variable}`),
  ];
  const groups = { sources: sourcesCommand(), recordings: recordingsCommand() };
  const group = groups[name as keyof typeof groups];
  const inner = group?.commands.find((each) => each.name() === words[0]);
  if (group !== undefined && words.length > 0 && !words[0]!.startsWith('-') && inner === undefined)
    wrong.push(`${line}: no such command of ${name}`);
  return wrong;
}

const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const known = new Set(Object.values(commands).flatMap(({ variables }) => variables));

describe('what people are told to do', () => {
  test.each(pages)('%s names commands, settings and files that exist', (path) => {
    const page = textOf(path);
    expect(wrongCommands(page)).toEqual([]);
    const variables = [...page.matchAll(/\bLIVEMIX_[A-Z]+(?:_[A-Z]+)*\b/g)].map(([name]) => name);
    expect(variables.filter((name) => !known.has(name))).toEqual([]);
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([]);
  });

  test.each([
    ['`npm run fly`', 'no such script'],
    ['`livemix edge --media-root /tmp`', 'no such flag --media-root'],
    ['`livemix replays`', 'no such command'],
    ['`livemix sources stop camera-0`', 'no such command of sources'],
    [
      '```sh\nLIVEMIX_MEDIA_ROOTS=/tmp \\\n  npx livemix control\n```',
      'control does not read LIVEMIX_MEDIA_ROOTS',
    ],
    ['```sh\nnode bin/livemix.js demo --config x\n```', 'no such flag --config'],
  ])('a page that says %s is found', (page, wrong) => {
    expect(wrongCommands(page).join()).toContain(wrong);
  });

  test('decisions are numbered without a hole', () => {
    const numbers = readdirSync(join(root, 'docs/decisions')).map((name) => Number(name.slice(0, 4)));
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  });
});
