import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vite';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders of `src/`, and on which floor they stand: a folder sees the floors below, never its neighbours. */
const layers: Readonly<Record<string, number>> = {
  media: 0,
  ...{ hls: 1, mpegts: 1, runtime: 1 },
  ...{ serve: 2, store: 2, cache: 2, catalog: 2, bus: 2, wire: 2, camera: 2 },
  ...{ edge: 3, control: 3 },
  cli: 4,
};

/** What an edge on a small box must not load. The YAML parser is loaded where a file of settings is given. */
const notOnTheEdge = ['fastify', 'kysely', 'yaml', 'node:sqlite', '@photostructure/sqlite'];
const MOST_LINES = 300;

type Import = { readonly specifier: string; readonly kind: 'value' | 'type' | 'later' };
type Facts = { readonly imports: readonly Import[]; readonly uses: ReadonlySet<string> };
type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What a file imports, and what it touches: `process.env`, `setTimeout`, the type any… Comments and strings do not count. */
function factsOf(text: string): Facts {
  const imports: Import[] = [];
  const uses = new Set<string>();
  const see = (source: unknown, kind: Import['kind']) => {
    const specifier = (source as Node | null)?.['value'];
    if (typeof specifier === 'string') imports.push({ specifier, kind });
  };
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    if (node.type === 'ImportDeclaration') see(node['source'], valueOrType(node['importKind']));
    if (/^Export(All|Named)Declaration$/.test(node.type))
      see(node['source'], valueOrType(node['exportKind']));
    if (node.type === 'ImportExpression') see(node['source'], 'later');
    if (node.type === 'TSImportType') see(node['source'], 'type');
    if (node.type === 'ImportSpecifier') uses.add(nameOf(node['imported']));
    if (node.type === 'Identifier') uses.add(nameOf(node));
    if (node.type === 'MemberExpression') uses.add(`${nameOf(node['object'])}.${nameOf(node['property'])}`);
    if (node.type === 'TSAnyKeyword') uses.add('the type any');
    for (const part of Object.values(node)) visit(part);
  };
  visit(parseAst(text, { lang: 'ts' }));
  return { imports, uses };
}

const valueOrType = (kind: unknown): Import['kind'] => (kind === 'type' ? 'type' : 'value');
/** Of `a`, of `globalThis.a`, and of `['a']`. */
const nameOf = (node: unknown): string => {
  const { name, value, property } = node as { name?: unknown; value?: unknown; property?: unknown };
  return property === undefined ? String(name ?? value ?? '') : nameOf(property);
};

const folderOf = (path: string): string => path.split('/')[1]!;
const isTest = (path: string): boolean => /(\.test|-for-test)\.ts$/.test(path);

/** Every rule of the house that a file breaks. */
function breaches(path: string, text: string): string[] {
  const { imports, uses } = factsOf(text);
  const folder = folderOf(path);
  const floor = layers[folder];
  if (floor === undefined) return [`src/${folder} has no layer`];
  const found = imports.flatMap(({ specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const target = join(dirname(path), specifier);
    if (!target.startsWith('src/')) return [`imports ${target}, which is not in src`];
    const other = folderOf(target);
    const allowed = other === folder || (layers[other] ?? Number.POSITIVE_INFINITY) < floor;
    return allowed ? [] : [`imports ${other}, which does not lie below ${folder}`];
  });
  const only = (names: readonly string[], where: readonly string[]) => {
    if (where.includes(folder)) return;
    for (const name of names) if (uses.has(name)) found.push(`uses ${name} outside ${where.join(' and ')}`);
  };
  if (imports.some(({ specifier }) => specifier === 'node:process')) only(['env', 'argv'], ['cli']);
  only(['process.env', 'process.argv'], ['cli']);
  if (!isTest(path)) {
    const timers = ['setTimeout', 'setInterval', 'Date.now', 'performance.now'];
    only(timers, ['runtime', 'cli']);
    const lines = text.trimEnd().split('\n').length;
    if (lines > MOST_LINES) found.push(`has ${lines} lines, more than ${MOST_LINES}`);
  }
  if (uses.has('the type any')) found.push('uses any');
  return found;
}

/** What is loaded when `start` is imported, packages included. `resolve` gives the text of a file. */
function loadedBy(start: string, read: (path: string) => string): Set<string> {
  const seen = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (!path.startsWith('src/')) continue;
    for (const { specifier, kind } of factsOf(read(path)).imports) {
      if (kind !== 'value') continue;
      waiting.push(specifier.startsWith('.') ? join(dirname(path), specifier) : specifier);
    }
  }
  return seen;
}

const forbidden = (loaded: ReadonlySet<string>): string[] =>
  [...loaded].filter((name) => notOnTheEdge.some((bad) => name === bad || name.startsWith(`${bad}/`)));

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name}`)
  .filter((path) => /\.[jt]s$/.test(path) && !path.endsWith('.d.ts'))
  .sort();

describe('the house', () => {
  test.each(files)('%s keeps the rules', (path) => {
    expect(breaches(path, textOf(path))).toEqual([]);
  });

  test('an edge loads no framework, no database, no YAML', () => {
    const loaded = loadedBy('src/edge/edge-node.ts', textOf);
    expect(loaded.has('src/edge/ingest/accept-playlist.ts')).toBe(true);
    expect(forbidden(loaded)).toEqual([]);
  });

  test('the command loads neither node before it is asked for one', () => {
    const loaded = loadedBy('src/cli/main.ts', textOf);
    const nodes = [...loaded].filter((path) => /(edge|control)-node\.ts$/.test(path));
    expect([...nodes, ...forbidden(loaded)]).toEqual([]);
  });

  test('every package that is loaded is a dependency, and every dependency is loaded somewhere', () => {
    const packages = new Set<string>();
    for (const path of files.filter((each) => !isTest(each))) {
      for (const { specifier } of factsOf(textOf(path)).imports) {
        if (specifier.startsWith('.') || isBuiltin(specifier) || specifier === 'node:sqlite') continue;
        packages.add(specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'));
      }
    }
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
    expect([...packages].sort()).toEqual(Object.keys(dependencies).sort());
  });

  test('ARCHITECTURE.md shows every folder, and no file that is not there', () => {
    const page = textOf('ARCHITECTURE.md');
    const folders = [...new Set(files.map(folderOf))];
    expect(folders.filter((folder) => !page.includes(`\`src/${folder}\``))).toEqual([]);
    const named = [...page.matchAll(/`(src\/[\w./-]+|test\/[\w./-]+|docs\/[\w./-]+)`/g)].map(
      ([, path]) => path!,
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('the rules find what is planted', () => {
  test.each([
    ['src/media/name.ts', "import '../runtime/clock.ts';", 'imports runtime, which does not lie below media'],
    ['src/hls/parse.ts', "import { x } from '../mpegts/pes.ts';", 'imports mpegts'],
    ['src/cache/x.ts', "import type { Catalog } from '../catalog/catalog.ts';", 'imports catalog'],
    ['src/camera/x.ts', "import { x } from '../serve/path.ts';", 'imports serve'],
    ['src/edge/uplink/link.ts', "import '../../control/live/channel.ts';", 'imports control'],
    ['src/control/x.ts', "export * from '../edge/source.ts';", 'imports edge'],
    ['src/control/x.ts', "export type { Source } from '../edge/source.ts';", 'imports edge'],
    ['src/serve/x.ts', "const x = await import('../edge/source.ts');", 'imports edge'],
    ['src/wire/x.ts', "type X = import('../edge/source.ts').Source;", 'imports edge'],
    ['src/edge/x.ts', "import '../cli/main.ts';", 'imports cli'],
    [
      'src/edge/x.ts',
      "import '../../test/support/rig.ts';",
      'imports test/support/rig.ts, which is not in src',
    ],
    ['src/edge/x.ts', "import '../shiny/new.ts';", 'imports shiny, which does not lie below edge'],
    ['src/shiny/new.ts', '', 'src/shiny has no layer'],
    ['src/edge/x.ts', "const home = process.env['HOME'];", 'uses process.env outside cli'],
    ['src/runtime/x.ts', 'const [first] = globalThis.process.argv;', 'uses process.argv outside cli'],
    ['src/runtime/x.ts', "import { env } from 'node:process';", 'uses env outside cli'],
    ['src/edge/x.ts', 'setTimeout(() => {}, 1);', 'uses setTimeout outside runtime and cli'],
    ['src/edge/x.ts', "import { setTimeout as wait } from 'node:timers/promises';", 'uses setTimeout'],
    ['src/serve/x.ts', 'const t = globalThis.setInterval(f, 5);', 'uses setInterval'],
    ['src/media/x.ts', 'const now = Date.now();', 'uses Date.now'],
    ['src/media/x.ts', 'const x: any = 1;', 'uses any'],
    ['src/media/x.ts', 'const x = [] as unknown as Map<string, any>;', 'uses any'],
    ['src/media/x.ts', `${'\n'.repeat(300)}const x = 1;`, 'has 301 lines, more than 300'],
  ])('%s: %s', (path, text, breach) => {
    expect(breaches(path, text).join()).toContain(breach);
  });

  test.each([
    ['src/control/x.ts', "import { x } from '../serve/path.ts'; import y from './live/channel.ts';"],
    ['src/cli/x.ts', "import '../edge/edge-node.ts'; setTimeout(f, 1); const x = process.env['X'];"],
    ['src/media/x.ts', "// setTimeout, any: Date.now()\nconst any = 'process.env'; const of = { any };"],
    ['src/runtime/x.ts', 'const at = Date.now(); const own = process.pid;'],
    ['src/edge/x.test.ts', 'setTimeout(() => {}, 1);'],
  ])('and nothing else: %s: %s', (path, text) => {
    expect(breaches(path, text)).toEqual([]);
  });

  test.each([
    ["import { fastify } from 'fastify';", ['fastify']],
    ["import Part from 'yaml/parts.js';", ['yaml/parts.js']],
    ["import { type Kysely } from 'kysely';", ['kysely']],
    ["import type { Kysely } from 'kysely'; const later = () => import('yaml');", []],
  ])('an edge that reaches: %s', (text, names) => {
    const house: Record<string, string> = {
      'src/edge/edge-node.ts': "import './a.ts'; import '../cache/b.ts';",
      'src/edge/a.ts': "import './edge-node.ts';",
      'src/cache/b.ts': text,
    };
    expect(forbidden(loadedBy('src/edge/edge-node.ts', (path) => house[path]!))).toEqual(names);
  });
});
