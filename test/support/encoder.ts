import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prober } from './prober.ts';
import type { Rig } from './rig.ts';
import { syntheticSegment } from './synthetic-segment.ts';

export type EncoderOptions = {
  readonly edgeUrl: string;
  readonly source?: string;
  /** Seconds of each segment. */
  readonly duration?: number;
  readonly listSize?: number;
  readonly folder?: string;
  readonly packets?: number;
};

/** What a playlist says of a segment: `title` in its EXTINF; `tags` stand between its EXTINF and its name, where ffmpeg puts them. */
export type Entry = {
  readonly name: string;
  readonly duration: number;
  readonly title?: string;
  readonly before?: readonly string[];
  readonly tags?: readonly string[];
};

/** A playlist as `ffmpeg -f hls` writes it. */
export function playlistText(of: {
  readonly mediaSequence: number;
  readonly entries: readonly Entry[];
  readonly head?: readonly string[];
  readonly endList?: boolean;
}): string {
  const target = Math.max(1, ...of.entries.map((entry) => Math.round(entry.duration)));
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${target}`];
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${of.mediaSequence}`, ...(of.head ?? []));
  for (const { name, duration, title = '', before = [], tags = [] } of of.entries)
    lines.push(...before, `#EXTINF:${duration.toFixed(6)},${title}`, ...tags, name);
  if (of.endList) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An encoder that writes files and posts playlists as `ffmpeg -f hls` does, and misbehaves when told to. */
export class Encoder implements AsyncDisposable {
  readonly folder: string;
  readonly source: string;
  readonly duration: number;
  /** Bytes of every segment that was made, in order, over all runs. */
  readonly made: Buffer[] = [];
  /** What each segment is called in stories, `run/sequence`, by the SHA-256 of its bytes. */
  readonly labels = new Map<string, string>();
  /** How its files are called. */
  naming = (sequence: number, _run: number): string => `cam-${String(sequence).padStart(3, '0')}.ts`;
  run = 0;
  /** The next media sequence. */
  next = 0;
  readonly #edgeUrl: string;
  readonly #listSize: number;
  readonly #packets: number;
  #list: ({ sequence: number } & Entry)[] = [];

  constructor(options: EncoderOptions) {
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'livemix-encoder-'));
    this.source = options.source ?? 'camera-0';
    this.duration = options.duration ?? 1;
    this.#edgeUrl = options.edgeUrl;
    this.#listSize = options.listSize ?? 5;
    this.#packets = options.packets ?? 40;
  }

  fileName(sequence: number): string {
    return this.naming(sequence, this.run);
  }

  /** Makes the next segment's file and lists it, without posting. */
  async make(duration = this.duration, said: Pick<Entry, 'title' | 'before' | 'tags'> = {}): Promise<Buffer> {
    const sequence = this.next++;
    const bytes = syntheticSegment({ run: this.run, sequence, duration, packets: this.#packets });
    await writeFile(join(this.folder, this.fileName(sequence)), bytes);
    this.#list.push({ sequence, name: this.fileName(sequence), duration, ...said });
    if (this.#list.length > this.#listSize) this.#list.shift();
    this.made.push(bytes);
    this.labels.set(sha256(bytes), `${this.run}/${sequence}`);
    return bytes;
  }

  /** The playlist as it is now. */
  playlist(endList = false): string {
    return playlistText({ mediaSequence: this.#list[0]?.sequence ?? 0, entries: this.#list, endList });
  }

  /** Posts a playlist; the present one unless another is given. */
  async post(text = this.playlist(), headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.#edgeUrl}/v1/playlist`, {
      method: 'POST',
      headers: {
        'Video-Source-Name': this.source,
        'MPEG-TS-URI-Prefix': `file://${this.folder}`,
        ...headers,
      },
      body: text,
    });
  }

  /** Makes and posts so many segments, one playlist each, as fast as the edge takes them. */
  async publish(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.make();
      const response = await this.post();
      if (!response.ok) throw new Error(`edge answered ${response.status}: ${await response.text()}`);
    }
  }

  /** Makes and posts segments in real time until the signal aborts. */
  async publishPaced(signal: AbortSignal): Promise<void> {
    for (let due = performance.now(); !signal.aborted; due += this.duration * 1000) {
      await this.make();
      await this.post().catch(() => undefined);
      const wait = due + this.duration * 1000 - performance.now();
      await sleep(Math.max(0, wait), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Begins anew as a restarted ffmpeg does: the sequence is 0 again, the names are the same, the bytes are others. */
  restart(): void {
    this.run += 1;
    this.next = 0;
    this.#list = [];
  }

  /** Begins anew but counts on (`-hls_flags append_list`): its first segment carries EXT-X-DISCONTINUITY. */
  async append(): Promise<void> {
    this.run += 1;
    await this.make(this.duration, { before: ['#EXT-X-DISCONTINUITY'] });
  }

  /** Loses so many numbers and all that it listed. */
  skip(count: number): void {
    this.next += count;
    this.#list = [];
  }

  /** Where the file of a segment lies. */
  path(sequence: number): string {
    return join(this.folder, this.fileName(sequence));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Watches a live playlist with a prober and tells what it was served as a story in the encoder's words:
 * `0/3` for the bytes of segment 3 of its first run, `gap` for EXT-X-GAP, `| ` before what carries
 * EXT-X-DISCONTINUITY, `…` where numbers are left out, `unknown` for bytes that no encoder made.
 */
export class Watcher {
  readonly prober: Prober;
  readonly #labels: ReadonlyMap<string, string>;
  readonly #digests = new Map<string, string>();
  readonly #story = new Map<number, string>();

  constructor(
    readonly url: string,
    labels: ReadonlyMap<string, string>,
  ) {
    this.#labels = labels;
    this.prober = new Prober({ url, mustAnswer200: true, fetch: (at, init) => this.#fetch(at, init) });
  }

  async poll(): Promise<void> {
    await this.prober.poll();
    for (const { sequence, uri, gap, discontinuity } of this.prober.playlist?.segments ?? []) {
      const digest = this.#digests.get(new URL(uri, this.url).href) ?? '';
      const what = gap ? 'gap' : (this.#labels.get(digest) ?? `unknown ${uri}`);
      this.#story.set(sequence, discontinuity ? `| ${what}` : what);
    }
  }

  /** All that was listed so far, in order. That the first one carries EXT-X-DISCONTINUITY is left out. */
  story(): string[] {
    const sequences = [...this.#story.keys()].sort((a, b) => a - b);
    const told = sequences.flatMap((sequence, index) => {
      const jump = index > 0 && sequence !== sequences[index - 1]! + 1;
      return [...(jump ? ['…'] : []), this.#story.get(sequence)!];
    });
    return told.map((word, index) => (index === 0 ? word.replace('| ', '') : word));
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const response = await fetch(url, init);
    if (init.method === 'GET' && response.status === 200 && !url.endsWith('.m3u8'))
      this.#digests.set(url, sha256(new Uint8Array(await response.clone().arrayBuffer())));
    return response;
  }
}

/** Everybody who watches a source: by control and on the LAN, and both are told the same story. */
export class Audience {
  readonly watchers: readonly Watcher[];

  constructor(urls: readonly string[], labels: ReadonlyMap<string, string>) {
    this.watchers = urls.map((url) => new Watcher(url, labels));
  }

  /** Those who watch by control and those on the LAN, as soon as both know the source. */
  static async of(rig: Rig, encoder: Encoder = rig.encoder): Promise<Audience> {
    await rig.until('control knows the source', () => rig.source(encoder.source));
    const path = `/live/${encoder.source}/index.m3u8`;
    const urls = [rig.control.url + path, rig.edge.url + path];
    return new Audience(urls, encoder.labels);
  }

  async poll(): Promise<void> {
    await Promise.all(this.watchers.map((watcher) => watcher.poll()));
  }

  /** Polls until everybody's list ends with this, which is as a story tells it. */
  async sees(last: string, withinMs = 8_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      await this.poll();
      const stories = this.watchers.map((watcher) => watcher.story());
      if (stories.every((story) => story.at(-1) === last)) return;
      if (performance.now() > deadline)
        throw new Error(`nobody saw ${last} within ${withinMs} ms: ${JSON.stringify(stories)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** The story, where everybody was told the same and no prober found anything wrong; else all that is known. */
  told(): unknown {
    const stories = this.watchers.map((watcher) => watcher.story());
    const violations = this.watchers.flatMap(({ url, prober }) =>
      prober.violations.map(({ rule, detail, reply }) => `${rule} at ${url}, reply ${reply}: ${detail}`),
    );
    const agree = stories.every((story) => story.join() === stories[0]?.join());
    return agree && violations.length === 0 ? stories[0] : { violations, stories };
  }
}
