import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { edgeEvents } from '../../src/edge/events.ts';
import { acceptPlaylist } from '../../src/edge/ingest/accept-playlist.ts';
import { box } from '../../src/edge/ingest/check/box-for-test.ts';
import type { Ingest } from '../../src/edge/ingest/ingest.ts';
import { httpAgents } from '../../src/edge/ingest/open-segment.ts';
import { Sources } from '../../src/edge/sources.ts';
import { parseMediaPlaylist } from '../../src/hls/parse.ts';
import { withNeeds } from '../../src/hls/segment-needs.ts';
import { liveList } from '../../src/media/live-list.ts';
import { MAIN } from '../../src/media/name.ts';
import type { SegmentRecord } from '../../src/media/segment-record.ts';
import { bytes, type EpochMs, epochMs, MIB, type Millis, millis, seconds } from '../../src/media/units.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { createLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { type RenderedPlaylist, renderLive } from '../../src/serve/rendered-playlist.ts';
import { syntheticSegment } from './synthetic-segment.ts';

/** What `scripts/capture-goldens.mjs` wrote, and what is made of it. */
export const goldensFolder = fileURLToPath(new URL('../fixtures/goldens/', import.meta.url));

/** A playlist as its encoder wrote it, when it came, and the files it names that were written since the one before. */
export type GoldenEvent = {
  readonly at: number;
  readonly path: string;
  readonly text: string;
  readonly files: readonly (readonly [name: string, size: number])[];
};

/** The captured series by name. */
export function readGoldens(): Record<string, readonly GoldenEvent[]> {
  const names = readdirSync(goldensFolder).filter((name) => name.endsWith('.series.txt'));
  return Object.fromEntries(
    names
      .sort()
      .map((name) => [
        name.replace('.series.txt', ''),
        readFileSync(join(goldensFolder, name), 'utf8').split(/^=== /m).slice(1).map(eventOf),
      ]),
  );
}

function eventOf(part: string): GoldenEvent {
  const end = part.indexOf('\n');
  const [at, path, ...files] = part.slice(0, end).split(' ');
  const sized = files.map((file): [string, number] => {
    const equals = file.lastIndexOf('=');
    return [file.slice(0, equals), Number(file.slice(equals + 1))];
  });
  return { at: Number(at), path: path!, text: part.slice(end + 1), files: sized };
}

/** Shows the time of the event at hand, and waits for nothing. */
class EventClock implements Clock {
  time = 0;
  now = (): EpochMs => epochMs(this.time);
  monotonic = (): Millis => millis(this.time);
  sleep = async (): Promise<void> => undefined;
  after = () => ({ cancel: () => undefined });
  every = () => ({ cancel: () => undefined });
}

/** An edge that takes a captured series in, from files with the sizes that the encoder's had. */
export class GoldenEdge implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'livemix-golden-'));
  readonly #media = mkdtempSync(join(tmpdir(), 'livemix-golden-media-'));
  readonly #clock = new EventClock();
  readonly #agents = httpAgents(this.#clock);
  #ingest!: Ingest;
  #written = 0;

  static async start(): Promise<GoldenEdge> {
    const edge = new GoldenEdge();
    const clock = edge.#clock;
    clock.time = 1_795_000_000_000;
    const log = createLog({ level: 'error', name: 'golden', destination: { write: () => undefined } });
    const events = edgeEvents(log, createMetrics('golden_', { process: false }), clock);
    const bounds = { windowDuration: seconds(600), maxSpoolBytes: bytes(64 * MIB), maxSources: 1 };
    edge.#ingest = {
      sources: await Sources.open(edge.#folder, bounds, 'boot', clock, events),
      clock,
      agents: edge.#agents,
      events,
      allowed: { roots: [edge.#media], origins: [] },
      maxSegmentBytes: 32 * MIB,
      isWatched: () => true,
    };
    return edge;
  }

  async take({ at, text, files }: GoldenEvent): Promise<void> {
    this.#clock.time = at;
    const playlist = parseMediaPlaylist(text.replaceAll(/http:\/\/127\.0\.0\.1:9080\S*?([^/"\s]+)"/g, '$1"'));
    for (const [name, size] of files) this.#write(name, size, text, at);
    const source = await this.#ingest.sources.open('camera-0');
    const origin = { kind: 'file', folder: this.#media } as const;
    await acceptPlaylist(this.#ingest, source, source.rendition(MAIN)!, origin, playlist);
  }

  /** All that was taken in. */
  get records(): readonly SegmentRecord[] {
    return this.#ingest.sources.find('camera-0')!.rendition(MAIN)!.window.records;
  }

  /** What control serves now. */
  served(): RenderedPlaylist {
    return renderLive('camera-0', MAIN, liveList(this.records, 6));
  }

  /** All that was taken in as one list; numbers count from its first segment, and URIs are what the encoder called them. */
  story(): string {
    const { records } = this;
    const names = new Map<string, string>();
    for (const { own, digest, encoder, carries = [] } of records) {
      names.set((own?.digest ?? digest).slice(0, 22), encoder.name);
      for (const carried of carries) {
        const key = carried.digest.slice(0, 22);
        names.set(key, names.get(key) ?? `carried-${names.size}.${carried.extension}`);
      }
    }
    const first = records[0]!.sequence;
    return renderLive('camera-0', MAIN, records)
      .text.toString()
      .replace(/(?<=MEDIA-SEQUENCE:)\d+/, (number) => String(Number(number) - first))
      .replace(
        /\.\.\/\.\.\/m\/camera-0\/main\/(\d+)-([A-Za-z0-9_-]{22}|gap)\.[a-z0-9]+/g,
        (_, number, key: string) => (key === 'gap' ? `gap-${Number(number) - first}` : names.get(key)!),
      );
  }

  #write(name: string, size: number, text: string, at: number): void {
    this.#written += 1;
    const path = join(this.#media, name);
    writeFileSync(path, contentOf(name, size, text, this.#written));
    utimesSync(path, at / 1000, at / 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ingest.sources.close();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
    await rm(this.#folder, { recursive: true, force: true });
    await rm(this.#media, { recursive: true, force: true });
  }
}

const PACKET = 188;
const tables = syntheticSegment({ run: 0, sequence: 0, duration: 1, packets: 1 }).subarray(0, 2 * PACKET);

/**
 * Bytes that pass for the encoder's: no two files are alike, a transport stream has its tables where a segment begins.
 * A file of many segments keeps what it had when it grows.
 */
function contentOf(name: string, size: number, playlist: string, seed: number): Buffer {
  const entries = withNeeds(parseMediaPlaylist(playlist)).filter(({ uri }) => basename(uri) === name);
  const isPart = entries.some(({ range }) => range !== undefined);
  const noise = createHash('sha256')
    .update(isPart ? name : `${name} ${seed}`)
    .digest();
  const content = Buffer.alloc(size, noise);
  if (name.endsWith('.vtt')) content.write('WEBVTT');
  if (name.endsWith('.aac')) content.write('ID3');
  if (/\.(m4s|mp4|m4a|m4v)$/.test(name)) {
    // A whole file may be an init section or a segment: it passes for either.
    if (!isPart) box('moov').copy(content);
    const mdats = isPart ? entries.map(({ range }) => range!) : [{ offset: 8, length: size - 8 }];
    for (const { offset, length } of mdats) beginBox(content, 'mdat', offset, length);
    const init = isPart ? entries[0]!.map?.range : undefined;
    if (init !== undefined) beginBox(content, 'moov', init.offset, init.length);
  }
  if (!name.endsWith('.ts') || size % PACKET !== 0) return content;
  for (let at = 0; at < size; at += PACKET) {
    content.writeUInt32BE(0x471fff10, at);
    content.writeUInt32BE(at, at + 4);
  }
  for (let at = 0; at < size; at += isPart ? PACKET * 4 : size) tables.copy(content, at);
  for (const { range } of entries) if (range !== undefined) tables.copy(content, range.offset);
  return content;
}

function beginBox(content: Buffer, type: string, offset: number, length: number): void {
  const header = box(type);
  header.writeUInt32BE(length);
  header.copy(content, offset);
}
