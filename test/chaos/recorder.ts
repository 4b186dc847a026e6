import { readPlaylist } from '../support/prober-playlist.ts';
import type { RecordingJson } from './checker.ts';
import type { Replay } from './replayed.ts';

/** Whatever records: started, stopped, asked, replayed. */
export interface Recorder {
  start(source: string, options?: { readonly from?: string }): Promise<string>;
  stop(id: string): Promise<void>;
  /** Undefined when there is none of that id. */
  get(id: string): Promise<RecordingJson | undefined>;
  delete(id: string): Promise<void>;
  replay(id: string): Promise<Replay>;
  download(id: string): Promise<Buffer | undefined>;
}

/** For an answer; a download has so many times as much as faults last longer. */
const PATIENCE_MS = 15_000;

/** Recordings by the API of a control node. */
export class ApiRecorder implements Recorder {
  constructor(
    private readonly controlUrl: () => string,
    private readonly scale = 1,
  ) {}

  async start(source: string, options: { readonly from?: string } = {}): Promise<string> {
    const response = await this.#ask('POST', '/v1/recordings', { source, ...options });
    return ((await response.json()) as RecordingJson).id;
  }

  async stop(id: string): Promise<void> {
    await (await this.#ask('POST', `/v1/recordings/${id}/stop`, {})).arrayBuffer();
  }

  async get(id: string): Promise<RecordingJson | undefined> {
    const response = await this.#ask('GET', `/v1/recordings/${id}`, undefined, [404]);
    return response.status === 404 ? undefined : ((await response.json()) as RecordingJson);
  }

  async delete(id: string): Promise<void> {
    await (await this.#ask('DELETE', `/v1/recordings/${id}`)).arrayBuffer();
  }

  /** The playlist, and every segment twice: as it comes, and again from the end. */
  async replay(id: string): Promise<Replay> {
    const path = `/recordings/${id}/index.m3u8`;
    const playlist = await (await this.#ask('GET', path)).text();
    const url = new URL(path, this.controlUrl());
    const uris = readPlaylist(playlist).segments.flatMap(({ uri, gap }) => (gap ? [] : [uri]));
    const segments = await this.#readAll(uris, url);
    return { playlist, segments, readAgain: await this.#readAll([...uris].reverse(), url) };
  }

  async download(id: string): Promise<Buffer | undefined> {
    const path = `/recordings/${id}/download.ts`;
    const response = await this.#ask('GET', path, undefined, [404], this.scale * PATIENCE_MS);
    return response.ok ? Buffer.from(await response.arrayBuffer()) : Buffer.alloc(0);
  }

  async #readAll(uris: readonly string[], base: URL): Promise<Map<string, Buffer>> {
    const read = new Map<string, Buffer>();
    for (const uri of uris) {
      const response = await fetch(new URL(uri, base), { signal: AbortSignal.timeout(PATIENCE_MS) });
      const bytes = Buffer.from(await response.arrayBuffer());
      if (response.status === 200) read.set(uri, bytes);
    }
    return read;
  }

  async #ask(
    method: string,
    path: string,
    body?: object,
    also: readonly number[] = [],
    patienceMs = PATIENCE_MS,
  ): Promise<Response> {
    const response = await fetch(new URL(path, this.controlUrl()), {
      method,
      signal: AbortSignal.timeout(patienceMs),
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (response.ok || also.includes(response.status)) return response;
    throw new Error(
      `${method} ${path} answered ${response.status}: ${(await response.text()).slice(0, 400)}`,
    );
  }
}
