import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** An encoder that writes files and posts playlists as `ffmpeg -f hls` does, and misbehaves when told to. */
export class Encoder implements AsyncDisposable {
  readonly folder: string;
  readonly source: string;
  readonly duration: number;
  /** Bytes of every segment that was made, in order, over all runs. */
  readonly made: Buffer[] = [];
  run = 0;
  /** The next media sequence. */
  next = 0;
  readonly #edgeUrl: string;
  readonly #listSize: number;
  readonly #packets: number;
  #list: { sequence: number; name: string; duration: number }[] = [];

  constructor(options: EncoderOptions) {
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'livemix-encoder-'));
    this.source = options.source ?? 'camera-0';
    this.duration = options.duration ?? 1;
    this.#edgeUrl = options.edgeUrl;
    this.#listSize = options.listSize ?? 5;
    this.#packets = options.packets ?? 40;
  }

  fileName(sequence: number): string {
    return `cam-${String(sequence).padStart(3, '0')}.ts`;
  }

  /** Makes the next segment's file and lists it, without posting. */
  async make(duration = this.duration): Promise<Buffer> {
    const sequence = this.next++;
    const bytes = syntheticSegment({ run: this.run, sequence, duration, packets: this.#packets });
    await writeFile(join(this.folder, this.fileName(sequence)), bytes);
    this.#list.push({ sequence, name: this.fileName(sequence), duration });
    if (this.#list.length > this.#listSize) this.#list.shift();
    this.made.push(bytes);
    return bytes;
  }

  /** The playlist as it is now. */
  playlist(endList = false): string {
    const target = Math.max(1, ...this.#list.map((segment) => Math.round(segment.duration)));
    const lines = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${target}`];
    lines.push(`#EXT-X-MEDIA-SEQUENCE:${this.#list[0]?.sequence ?? 0}`);
    for (const { duration, name } of this.#list) lines.push(`#EXTINF:${duration.toFixed(6)},`, name);
    if (endList) lines.push('#EXT-X-ENDLIST');
    return `${lines.join('\n')}\n`;
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
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, wait));
        signal.addEventListener('abort', () => resolve(), { once: true });
        signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      });
    }
  }

  /** Begins anew as a restarted ffmpeg does: the sequence is 0 again, the names are the same, the bytes are others. */
  restart(): void {
    this.run += 1;
    this.next = 0;
    this.#list = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
