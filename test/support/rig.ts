import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ControlNode, startControl } from '../../src/control/control-node.ts';
import { controlSettings } from '../../src/control/settings.ts';
import { type EdgeNode, startEdge } from '../../src/edge/edge-node.ts';
import { edgeSettings } from '../../src/edge/settings.ts';
import { createLog } from '../../src/runtime/log.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { Encoder, type EncoderOptions } from './encoder.ts';

export type RigOptions = {
  /** Settings by flag name: `{ 'spool-seconds': '60' }`. */
  readonly edge?: Readonly<Record<string, string>>;
  readonly control?: Readonly<Record<string, string>>;
  readonly encoder?: Omit<EncoderOptions, 'edgeUrl'>;
  /** Leaves control out: the edge serves its LAN alone. */
  readonly lanOnly?: boolean;
  /** What the edge dials instead of control itself, such as a proxy that can be cut. */
  readonly edgeDials?: (controlUrl: string) => string | Promise<string>;
};

/** Control, an edge and an encoder in this process, on free ports and temporary folders, over the real ways. */
export class Rig implements AsyncDisposable {
  control!: ControlNode;
  edge!: EdgeNode;
  encoder!: Encoder;
  /** What both nodes logged, JSON lines, parsed. */
  readonly logs: Record<string, unknown>[] = [];
  /** What failed that should not. */
  readonly failures: unknown[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'livemix-rig-'));
  #controlPort = 0;
  #edgePort = 0;
  #dials = '';

  private constructor(private readonly options: RigOptions) {}

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    if (options.lanOnly !== true) {
      await rig.startControl();
      rig.#dials = (await options.edgeDials?.(rig.control.url)) ?? rig.control.url;
    }
    const media = mkdtempSync(join(tmpdir(), 'livemix-media-'));
    rig.encoder = new Encoder({ edgeUrl: '', folder: media, ...options.encoder });
    await rig.startEdge();
    rig.encoder = new Encoder({ edgeUrl: rig.edge.url, folder: media, ...options.encoder });
    return rig;
  }

  /** Starts control on its earlier port and data; `more`: settings it did not have before. */
  async startControl(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const flags = {
      listen: `127.0.0.1:${this.#controlPort}`,
      'data-dir': join(this.folder, 'control'),
      ...this.options.control,
      ...more,
    };
    this.control = await startControl(
      readSettings(controlSettings, { flags, env: {} }).values,
      this.#surroundings('control'),
    );
    this.#controlPort = Number(new URL(this.control.url).port);
  }

  /** Starts the edge on its earlier port and data. */
  async startEdge(): Promise<void> {
    const flags = {
      listen: `127.0.0.1:${this.#edgePort}`,
      'data-dir': join(this.folder, 'edge'),
      'edge-name': 'edge-1',
      'media-roots': this.encoder.folder,
      ...(this.#dials !== '' && { 'control-url': this.#dials }),
      ...this.options.edge,
    };
    this.edge = await startEdge(
      readSettings(edgeSettings, { flags, env: {} }).values,
      this.#surroundings('edge'),
    );
    this.#edgePort = Number(new URL(this.edge.url).port);
  }

  get playlistUrl(): string {
    return `${this.control.url}/live/${this.encoder.source}/index.m3u8`;
  }

  get lanPlaylistUrl(): string {
    return `${this.edge.url}/live/${this.encoder.source}/index.m3u8`;
  }

  /** The source as control shows it; undefined while it does not know it. */
  async source(name = this.encoder.source): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(`${this.control.url}/v1/sources/${name}`);
    return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined;
  }

  /** Waits until the question is answered with something true. */
  async until<T>(what: string, ask: () => T | Promise<T>, withinMs = 15_000): Promise<NonNullable<T>> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const answer = await ask();
      if (answer) return answer as NonNullable<T>;
      if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge.close().catch(() => undefined);
    await this.control?.close().catch(() => undefined);
    await this.encoder[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
    if (this.failures.length > 0) throw this.failures[0];
  }

  #surroundings(name: string) {
    const destination = {
      write: (line: string) => this.logs.push(JSON.parse(line) as Record<string, unknown>),
    };
    return {
      log: createLog({ level: 'debug', name, destination }),
      version: '0.0.0-test',
      hostName: 'test-host',
      environment: process.env,
      uiFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
      onFailure: (error: unknown) => this.failures.push(error),
    };
  }
}
