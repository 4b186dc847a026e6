import { readPlaylist } from '../support/prober-playlist.ts';
import type { RecordingJson } from './checker.ts';
import type { StatedGap } from './holes.ts';
import type { Recorder } from './recorder.ts';
import type { Replay } from './replayed.ts';

type Line = {
  readonly at: number;
  readonly until: number;
  readonly text: readonly string[];
  readonly gap: boolean;
  readonly bytes: Buffer | undefined;
  readonly uri: string;
};

const POLL_MS = 100;

/**
 * Records what an edge serves to its LAN, by following its list: a recording that needs no control node. It is
 * how the oracle itself, and the rows that only hurt ingest, are tried without the recording feature.
 */
export class LanRecorder implements Recorder, AsyncDisposable {
  readonly #lines = new Map<number, Line>();
  readonly #spans = new Map<string, { from: number; until?: number }>();
  readonly #end = new AbortController();
  #following: Promise<void> | undefined;

  constructor(private readonly edgeUrl: () => string) {}

  async start(source: string): Promise<string> {
    this.#following ??= this.#follow(`/live/${source}/index.m3u8`);
    const id = `lan-${this.#spans.size}`;
    this.#spans.set(id, { from: Date.now() });
    return id;
  }

  async stop(id: string): Promise<void> {
    this.#spans.get(id)!.until ??= Date.now();
  }

  async delete(id: string): Promise<void> {
    this.#spans.delete(id);
  }

  async get(id: string): Promise<RecordingJson | undefined> {
    const span = this.#spans.get(id);
    if (span === undefined) return undefined;
    const { from, until } = span;
    const settled = until !== undefined && [...this.#lines.values()].some(({ at }) => at >= until);
    const gaps = this.#of(id).flatMap((line): StatedGap[] =>
      line.gap ? [{ from: iso(line.at), until: iso(line.until), reason: 'lan' }] : [],
    );
    const done = gaps.length > 0 ? 'incomplete' : 'complete';
    const state = until === undefined ? 'recording' : settled ? done : 'draining';
    return { id, state, from: iso(from), until: until === undefined ? null : iso(until), gaps };
  }

  async replay(id: string): Promise<Replay> {
    const lines = this.#of(id);
    const head = ['#EXTM3U', '#EXT-X-VERSION:8', '#EXT-X-TARGETDURATION:1', '#EXT-X-PLAYLIST-TYPE:EVENT'];
    const playlist = [...head, ...lines.flatMap(({ text }) => text), '#EXT-X-ENDLIST', ''].join('\n');
    return { playlist, segments: new Map(lines.flatMap(({ uri, bytes }) => (bytes ? [[uri, bytes]] : []))) };
  }

  async download(id: string): Promise<Buffer> {
    return Buffer.concat(this.#of(id).flatMap(({ bytes }) => bytes ?? []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#following;
  }

  #of(id: string): Line[] {
    const { from, until = Number.POSITIVE_INFINITY } = this.#spans.get(id)!;
    return [...this.#lines.values()].filter((line) => line.until > from && line.at < until);
  }

  async #follow(path: string): Promise<void> {
    while (!this.#end.signal.aborted) {
      // A dead edge is asked again.
      await this.#poll(new URL(path, this.edgeUrl())).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #poll(url: URL): Promise<void> {
    const { segments } = readPlaylist(await (await fetch(url)).text());
    for (const { sequence, uri, gap, discontinuity, dateTime, duration, extinf } of segments) {
      if (this.#lines.has(sequence) || dateTime === undefined) continue;
      const response = gap ? undefined : await fetch(new URL(uri, url));
      if (response !== undefined && response.status !== 200) continue;
      const bytes = response && Buffer.from(await response.arrayBuffer());
      const tags = [...(discontinuity ? ['#EXT-X-DISCONTINUITY'] : []), ...(gap ? ['#EXT-X-GAP'] : [])];
      const text = [...tags, `#EXT-X-PROGRAM-DATE-TIME:${dateTime}`, `#EXTINF:${extinf}`, uri];
      const at = Date.parse(dateTime);
      this.#lines.set(sequence, { at, until: at + duration * 1000, text, gap, bytes, uri });
    }
  }
}

const iso = (at: number): string => new Date(at).toISOString();
