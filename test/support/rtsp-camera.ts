import { fileURLToPath } from 'node:url';
import { Running } from './process.ts';

const script = fileURLToPath(new URL('rtsp-camera.py', import.meta.url));
/** Debian's: its packages hold what the script imports. */
const PYTHON = '/usr/bin/python3';

export type CameraOptions = {
  readonly sound?: 'aac' | 'pcmu' | 'none';
  /** Of the user admin. */
  readonly password?: string;
};

/** A camera that speaks RTSP, as a process that can be killed, frozen and started again at its port. */
export class RtspCamera implements AsyncDisposable {
  #process!: Running;
  port = 0;

  private constructor(private readonly options: CameraOptions) {}

  static async start(options: CameraOptions = {}): Promise<RtspCamera> {
    const camera = new RtspCamera(options);
    await camera.restart();
    return camera;
  }

  /** At the port it had. */
  async restart(): Promise<void> {
    const { sound = 'aac', password } = this.options;
    const rest = password === undefined ? [] : [password];
    this.#process = new Running(PYTHON, [script, String(this.port), sound, ...rest]);
    this.port = Number((await this.#process.printed(/ready (\d+)/))[1]);
  }

  /** Without a password. */
  get url(): string {
    return `rtsp://127.0.0.1:${this.port}/live`;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.signal(signal);
  }

  async kill(): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
