import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Running, startLiveMix, urlOf } from './process.ts';

type Given = {
  readonly control?: Record<string, string>;
  readonly edge?: Record<string, string>;
  /** Behind `livemix edge`. */
  readonly edgeArgs?: readonly string[];
};

/** `livemix control` and `livemix edge` as two processes, as an operator runs them. */
export class Nodes implements AsyncDisposable {
  control!: Running;
  edge!: Running;
  controlUrl = '';
  edgeUrl = '';
  readonly folder = mkdtempSync(join(tmpdir(), 'livemix-nodes-'));
  /** Where encoders may write. */
  readonly media = mkdtempSync(join(tmpdir(), 'livemix-media-'));
  #dials = '';

  private constructor(private readonly env: Given) {}

  static async start(
    env: Given = {},
    edgeDials: (controlUrl: string) => string | Promise<string> = (url) => url,
  ): Promise<Nodes> {
    const nodes = new Nodes(env);
    try {
      await nodes.startControl();
      nodes.#dials = await edgeDials(nodes.controlUrl);
      await nodes.startEdge();
      return nodes;
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
  }

  async startControl(): Promise<void> {
    this.control = startLiveMix(['control'], {
      LIVEMIX_LISTEN: this.controlUrl === '' ? '127.0.0.1:0' : new URL(this.controlUrl).host,
      LIVEMIX_DATA_DIR: join(this.folder, 'control'),
      ...this.env.control,
    });
    this.controlUrl = await urlOf(this.control);
  }

  async startEdge(): Promise<void> {
    this.edge = startLiveMix(['edge', ...(this.env.edgeArgs ?? [])], {
      LIVEMIX_LISTEN: this.edgeUrl === '' ? '127.0.0.1:0' : new URL(this.edgeUrl).host,
      LIVEMIX_DATA_DIR: join(this.folder, 'edge'),
      LIVEMIX_EDGE_NAME: 'edge-1',
      LIVEMIX_MEDIA_ROOTS: this.media,
      LIVEMIX_CONTROL_URL: this.#dials,
      ...this.env.edge,
    });
    this.edgeUrl = await urlOf(this.edge);
  }

  playlistUrl(source: string): string {
    return `${this.controlUrl}/live/${source}/index.m3u8`;
  }

  /** The source as control shows it. */
  async source(name: string): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(`${this.controlUrl}/v1/sources/${name}`);
    return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge?.[Symbol.asyncDispose]();
    await this.control?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
    await rm(this.media, { recursive: true, force: true });
  }
}

/** Waits until the question is answered with something true. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 20_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
