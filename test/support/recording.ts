import { createHash } from 'node:crypto';
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Rig } from './rig.ts';

/** A recording as control's API shows it. */
export type RecordingJson = {
  readonly id: string;
  readonly source: string;
  readonly title: string;
  readonly state: 'recording' | 'draining' | 'complete' | 'incomplete';
  readonly keep: boolean;
  readonly from: string;
  readonly until: string | null;
  readonly settledUntil: string;
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly gaps: readonly { readonly from: string; readonly until: string; readonly reason: string }[];
};

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Asks the recordings API of a control node. */
export class RecordingsClient {
  constructor(
    private readonly controlUrl: () => string,
    /** Sent with every request to the API. */
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  async ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.controlUrl()}/v1/recordings${path}`, {
      method,
      headers: { ...this.headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  start(body: Readonly<Record<string, unknown>>): Promise<RecordingJson> {
    return this.#json(this.ask('POST', '', body), 201);
  }

  stop(id: string): Promise<RecordingJson> {
    return this.#json(this.ask('POST', `/${id}/stop`), 200);
  }

  get(id: string): Promise<RecordingJson> {
    return this.#json(this.ask('GET', `/${id}`), 200);
  }

  async #json(asked: Promise<Response>, status: number): Promise<RecordingJson> {
    const response = await asked;
    const text = await response.text();
    if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${text}`);
    return JSON.parse(text) as RecordingJson;
  }

  /** Waits until the recording has ended. */
  async ended(id: string, withinMs = 20_000): Promise<RecordingJson> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const recording = await this.get(id);
      if (recording.state === 'complete' || recording.state === 'incomplete') return recording;
      if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(recording)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  playlistUrl(id: string): string {
    return `${this.controlUrl()}/recordings/${id}/index.m3u8`;
  }

  async playlist(id: string): Promise<string> {
    const answer = await fetch(this.playlistUrl(id));
    const text = await answer.text();
    if (!answer.ok) throw new Error(`replay answered ${answer.status}: ${text}`);
    return text;
  }

  /** The playlist, and the bytes of every segment it lists, in order. */
  async replay(id: string): Promise<{ readonly text: string; readonly segments: readonly Buffer[] }> {
    const url = this.playlistUrl(id);
    const text = await this.playlist(id);
    const uris = urisOf(text);
    const segments: Buffer[] = [];
    for (const uri of uris) {
      const segment = await fetch(new URL(uri, url));
      if (!segment.ok) throw new Error(`${uri} answered ${segment.status}`);
      segments.push(Buffer.from(await segment.arrayBuffer()));
    }
    return { text, segments };
  }

  async download(id: string, extension = 'ts'): Promise<Buffer> {
    const answer = await fetch(`${this.controlUrl()}/recordings/${id}/download.${extension}`);
    if (!answer.ok) throw new Error(`download answered ${answer.status}: ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  }
}

/** The segments that a playlist lists. */
export const urisOf = (playlist: string): readonly string[] =>
  playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/** That segments are so many of the encoder's files in a row, and `whole` is these files one after the other. */
export function expectFilesInARow(
  files: readonly Uint8Array[],
  segments: readonly Uint8Array[],
  whole: Uint8Array,
): void {
  const made = files.map(sha256);
  const first = made.indexOf(sha256(segments[0]!));
  expect(segments.map(sha256)).toEqual(made.slice(first, first + segments.length));
  expect(sha256(whole)).toBe(sha256(Buffer.concat(files.slice(first, first + segments.length))));
}

/** Keys of the objects in the folder of a store. */
export function objectsIn(folder: string, under = 'segments'): readonly string[] {
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(join(folder, under), { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).sort();
}

/** Publishes in real time while something is done. */
export async function whilePublishing<T>(rig: Rig, task: () => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const publishing = rig.encoder.publishPaced(ending.signal);
  try {
    return await task();
  } finally {
    ending.abort();
    await publishing;
  }
}

/** Waits until the encoder has made so many more segments. */
export async function segmentsMade(rig: Rig, count: number): Promise<void> {
  const wanted = rig.encoder.made.length + count;
  const within = count * rig.encoder.duration * 2_000 + 10_000;
  await rig.until(`${count} segments are made`, () => rig.encoder.made.length >= wanted, within);
}

/** Segments of half a second that an edge may stamp ahead of its clock, or behind: it follows the encoder while it is within a second. */
const AHEAD = 2;
const BEHIND = 2;
/** By so many segments the time of a recording may be stamped otherwise than a test sees it. */
const SLACK = 3;

/**
 * A recording and what it owes (`faults.md`): it must have what was announced after its start was answered and before its
 * stop was asked for, and may have nothing that was announced before its start or after its stop.
 */
export class Snippet {
  readonly #must: [first: number, end: number];
  readonly #may: [first: number, end: number];

  private constructor(
    readonly id: string,
    private readonly rig: Rig,
    readonly recordings: RecordingsClient,
    before: number,
  ) {
    const now = rig.encoder.made.length;
    this.#may = [before - SLACK, Number.POSITIVE_INFINITY];
    // What is stamped behind was made before the recording begins.
    this.#must = [now + BEHIND, Number.POSITIVE_INFINITY];
  }

  static async start(rig: Rig, recordings: RecordingsClient): Promise<Snippet> {
    const before = rig.encoder.made.length;
    const { id } = await recordings.start({ source: rig.encoder.source });
    return new Snippet(id, rig, recordings, before);
  }

  /** Stops it while the encoder goes on: resolves when that has made what follows. */
  async stop(end = () => this.recordings.stop(this.id)): Promise<RecordingJson> {
    // The newest one may not have been announced yet.
    this.#must[1] = this.rig.encoder.made.length - 1 - AHEAD;
    const stopped = await end();
    this.#may[1] = this.rig.encoder.made.length + SLACK;
    await segmentsMade(this.rig, 3);
    return stopped;
  }

  /** Waits until so many segments are stored. */
  async stored(count: number): Promise<void> {
    await this.rig.until(
      `${count} segments are stored`,
      async () => (await this.recordings.get(this.id)).segments >= count,
    );
  }

  /** That all it must have is there once, in order, byte for byte, and nothing else. Resolves with its playlist. */
  async checkWhole(): Promise<string> {
    const recording = await this.recordings.get(this.id);
    const { text, segments } = await this.recordings.replay(this.id);
    const made = this.rig.encoder.made.map(sha256);
    const first = made.indexOf(sha256(segments[0]!));
    expect(segments.map(sha256)).toEqual(made.slice(first, first + segments.length));
    const end = first + segments.length;
    expect(first).toBeLessThanOrEqual(this.#must[0]);
    // Segments follow each other: the one that is stamped over its begin is the first.
    const begins = /^#EXT-X-PROGRAM-DATE-TIME:(.*)$/m.exec(text)![1]!;
    expect(Date.parse(begins)).toBeLessThanOrEqual(Date.parse(recording.from));
    expect(first).toBeGreaterThanOrEqual(this.#may[0]);
    expect(end).toBeGreaterThanOrEqual(this.#must[1]);
    expect(end).toBeLessThanOrEqual(this.#may[1]);
    const bytes = Buffer.concat(segments);
    expect(recording).toMatchObject({ segments: segments.length, bytes: bytes.length });
    expect(sha256(await this.recordings.download(this.id))).toBe(sha256(bytes));
    return text;
  }
}

export const clientOf = (rig: Rig) => new RecordingsClient(() => rig.control.url);

/** Begins a recording while the encoder is at it, and waits until some of it is stored. */
export async function recorded(rig: Rig): Promise<Snippet> {
  await rig.until('the source appears', () => rig.source());
  const snippet = await Snippet.start(rig, clientOf(rig));
  await snippet.stored(2);
  return snippet;
}
