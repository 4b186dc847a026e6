import { surroundings } from './surroundings.ts';

type Running = {
  close(): Promise<void>;
  /** Reads again what may change while it runs. SIGHUP asks for it. */
  reload?(): Promise<void>;
};
type LogLevel = Parameters<typeof surroundings>[1];

/** A clean end takes at most this long. */
const END_WITHIN_MS = 9_500;

/** Runs something until SIGTERM, SIGINT or a failure; resolves with the exit code. */
export async function runUntilSignal(
  name: string,
  level: LogLevel,
  start: (given: ReturnType<typeof surroundings>) => Promise<Running>,
): Promise<number> {
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const given = surroundings(name, level, (error) => {
    given.log.error({ err: error }, 'LiveMix failed; this is our bug');
    end(70);
  });
  const running = await start(given);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second signal changes nothing: the first one ends it, within ten seconds.
    process.on(signal, () => {
      given.log.info({ signal }, 'ending');
      end(0);
    });
  }
  const { reload } = running;
  if (reload !== undefined) {
    let reloading = Promise.resolve();
    process.on('SIGHUP', () => {
      reloading = reloading.then(reload).catch((error: unknown) => given.onFailure(error));
    });
  }
  // Timers of nodes do not keep a process alive, and a node without open requests has little else.
  const alive = setInterval(() => undefined, 60_000);
  const code = await ended;
  clearInterval(alive);
  const tooLong = setTimeout(() => process.exit(code || 1), END_WITHIN_MS);
  tooLong.unref();
  await running.close();
  clearTimeout(tooLong);
  return code;
}
