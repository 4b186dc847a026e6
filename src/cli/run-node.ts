import { surroundings } from './surroundings.ts';

type Running = {
  close(): Promise<void>;
  /** Reads again what may change while it runs. SIGHUP asks for it. */
  reload?(): Promise<void>;
};
type LogLevel = Parameters<typeof surroundings>[1];

/** A clean end takes at most this long. */
const END_WITHIN_MS = 9_500;

/** Runs something until SIGTERM, SIGINT or a failure; resolves with the exit code. `reloads`: SIGHUP does not end it. */
export async function runUntilSignal(
  name: string,
  level: LogLevel,
  start: (given: ReturnType<typeof surroundings>) => Promise<Running>,
  { reloads = false }: { readonly reloads?: boolean } = {},
): Promise<number> {
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const given = surroundings(name, level, (error) => {
    given.log.error({ err: error }, 'LiveMix failed; this is our bug');
    end(70);
  });
  // One that comes while it starts is heeded then; without a handler it would be the end.
  let askedEarly = false;
  let reload = () => {
    askedEarly = true;
  };
  if (reloads) process.on('SIGHUP', () => reload());
  const running = await start(given);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second signal changes nothing: the first one ends it, within ten seconds.
    process.on(signal, () => {
      given.log.info({ signal }, 'ending');
      end(0);
    });
  }
  let reloading = Promise.resolve();
  reload = () => {
    reloading = reloading.then(() => running.reload?.()).catch((error: unknown) => given.onFailure(error));
  };
  if (askedEarly) reload();
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
