import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { Nodes, until } from '../support/nodes.ts';
import { Prober } from '../support/prober.ts';
import { startRadosgw } from '../support/radosgw.ts';
import { type FrameProxy, startFrameProxy } from './frame-proxy.ts';
import { History } from './history.ts';
import { LanRecorder } from './lan-recorder.ts';
import { ApiRecorder, type Recorder } from './recorder.ts';
import type { Row } from './rows.ts';
import { type Prng, prngOf } from './seed.ts';
import { SourceSimulator } from './simulator.ts';
import { WrongAnswers } from './wrong-answers.ts';

export type StageOptions = {
  readonly row: Row;
  readonly seed: string;
  /** Multiplies how long faults last; 1 is the short form. */
  readonly scale: number;
  /** Records what the edge serves to its LAN instead of asking control to record. */
  readonly lan: boolean;
};

const SOURCE = 'camera-0';

/** One scenario: two nodes as processes, a line that can be hurt, a source, a viewer, and the history of it all. */
export class Stage implements AsyncDisposable {
  readonly history: History;
  readonly recorder: Recorder;
  readonly prng: Prng;
  readonly simulator: SourceSimulator;
  readonly prober: Prober;
  /** Ids of the recordings that are to be checked. */
  readonly recordings: string[] = [];
  readonly #lan: LanRecorder | undefined;
  readonly #stop = new AbortController();
  readonly #stopSource = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #stopped = new Set<string>();

  private constructor(
    readonly options: StageOptions,
    /** Of this run alone, outside of what is hurt; the history is in it. */
    readonly folder: string,
    readonly nodes: Nodes,
    readonly line: FaultProxy,
    readonly frames: FrameProxy,
    /** Before a real S3, where the row has one. */
    readonly store: WrongAnswers | undefined,
    private readonly s3: AsyncDisposable | undefined,
  ) {
    const { row, seed, lan, scale } = options;
    this.prng = prngOf(seed, row.id);
    this.history = new History(join(folder, 'history.jsonl'));
    this.#lan = lan ? new LanRecorder(() => nodes.edgeUrl) : undefined;
    this.recorder = this.#lan ?? new ApiRecorder(() => nodes.controlUrl, scale);
    this.simulator = new SourceSimulator({
      ...{ seed, history: this.history, edgeUrl: nodes.edgeUrl, source: SOURCE, ...row.source },
      folder: join(nodes.media, SOURCE),
    });
    const url = nodes.playlistUrl(SOURCE);
    this.prober = new Prober({ url, mustAnswer200: row.controlDies === undefined });
  }

  static async start(options: StageOptions): Promise<Stage> {
    const { row, seed } = options;
    const folder = mkdtempSync(join(tmpdir(), `livemix-chaos-${row.id}-`));
    await mkdir(join(folder, 'store'));
    const env = (of: Readonly<Record<string, string>> = {}) =>
      Object.fromEntries(Object.entries(of).map(([name, value]) => [name, value.replace('{run}', folder)]));
    const s3 = row.store === 's3' ? await startRadosgw() : undefined;
    const store = s3 && (await WrongAnswers.start(s3.endpoint, prngOf(seed, `${row.id} store`)));
    const inS3 = s3 && {
      LIVEMIX_STORE_URL: `s3://${s3.bucket}/chaos?endpoint=${store!.url}&region=us-east-1`,
      ...s3.environment,
    };
    let line: FaultProxy | undefined;
    let frames: FrameProxy | undefined;
    const nodes = await Nodes.start(
      { control: { ...env(row.control), ...inS3 }, edge: env(row.edge) },
      async (control) => {
        frames = await startFrameProxy(control, prngOf(seed, `${row.id} frames`));
        line = await startFaultProxy(frames.url);
        return line.url;
      },
    );
    const stage = new Stage(options, folder, nodes, line!, frames!, store, s3);
    stage.#running.push(stage.simulator.pace(stage.#stopSource.signal));
    await until('control knows the source', () => nodes.source(SOURCE));
    const { signal } = stage.#stop;
    await until('a viewer plays', async () => {
      await stage.prober.poll();
      return stage.prober.playlist;
    });
    stage.#running.push(stage.prober.run({ everyMs: 250, signal }));
    return stage;
  }

  /** Bytes that the source makes in a second. */
  get bytesPerSecond(): number {
    return (this.simulator.bytes * 1000) / this.simulator.durationMs;
  }

  /** Waits while the source makes so many more segments. */
  async segments(count: number): Promise<void> {
    const wanted = this.simulator.made + count;
    const within = count * this.simulator.durationMs * 2 + 10_000;
    await until(`${count} segments are made`, () => this.simulator.made >= wanted, within);
  }

  /** Waits so long, as often as the scale says. */
  async lasting(ms: number): Promise<void> {
    await sleep(ms * this.options.scale);
  }

  fault(fault: string, detail?: unknown): void {
    this.history.add({ type: 'fault.on', fault, detail });
  }

  healed(fault: string, detail?: unknown): void {
    this.history.add({ type: 'fault.off', fault, detail });
  }

  /** Starts a recording, which is checked at the end. */
  async record(from?: string): Promise<string> {
    const options = from === undefined ? {} : { from };
    this.history.add({ type: 'rec.start.req', body: options });
    const id = await this.recorder.start(SOURCE, options);
    this.history.add({ type: 'rec.start.resp', id });
    this.recordings.push(id);
    return id;
  }

  /** Stops a recording; once. */
  async stopRecording(id: string): Promise<void> {
    if (this.#stopped.has(id)) return;
    this.#stopped.add(id);
    this.history.add({ type: 'rec.stop.req', id });
    await this.recorder.stop(id);
    this.history.add({ type: 'rec.stop.resp', id });
  }

  /** The sum of a metric of a node over its labels, of those that hold `having`. 0 where there is none. */
  async metric(node: 'edge' | 'control', name: string, having = ''): Promise<number> {
    const url = node === 'edge' ? this.nodes.edgeUrl : this.nodes.controlUrl;
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => new RegExp(`^livemix_${node}_${name}[{ ]`).test(line));
    return lines
      .filter((line) => line.includes(having))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Kills a node as a power cut would, and starts it again, after a pause in ms or when something has happened. */
  async killAndStart(node: 'edge' | 'control', pause: number | (() => Promise<void>) = 0): Promise<void> {
    this.fault('kill', node);
    this.nodes[node].signal('SIGKILL');
    await this.nodes[node].ended();
    await (typeof pause === 'number' ? sleep(pause) : pause());
    await (node === 'edge' ? this.nodes.startEdge() : this.nodes.startControl());
    this.healed('kill', node);
  }

  /** Ends the source; what it made stays where the row leaves it. */
  async endSource(): Promise<void> {
    this.#stopSource.abort();
    await this.#running[0];
  }

  /** Ends the viewer, after a last look at what was taken out of its list. */
  async endViewer(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running.slice(1));
  }

  /** @param keep leaves the history, and what the nodes logged last, in `folder` */
  async end(keep: boolean): Promise<void> {
    await this.endSource();
    await this.endViewer();
    await this.#lan?.[Symbol.asyncDispose]();
    await this.line[Symbol.asyncDispose]();
    await this.frames[Symbol.asyncDispose]();
    await this.nodes[Symbol.asyncDispose]();
    await this.store?.[Symbol.asyncDispose]();
    await this.s3?.[Symbol.asyncDispose]();
    if (keep) {
      await writeFile(join(this.folder, 'edge.log'), this.nodes.edge.stderr);
      await writeFile(join(this.folder, 'control.log'), this.nodes.control.stderr);
    }
    this.history[Symbol.dispose]();
    if (!keep) await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(false);
  }
}
