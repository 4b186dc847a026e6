import { createHash } from 'node:crypto';

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
  constructor(private readonly controlUrl: () => string) {}

  async ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.controlUrl()}/v1/recordings${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
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

  /** The playlist, and the bytes of every segment it lists, in order. */
  async replay(id: string): Promise<{ readonly text: string; readonly segments: readonly Buffer[] }> {
    const url = this.playlistUrl(id);
    const answer = await fetch(url);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`replay answered ${answer.status}: ${text}`);
    const uris = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
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
