import { type Logger, pino } from 'pino';
import { prettyLine } from './log-line.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log: `log.info({ source }, 'segment sent')`. */
export type Log = Logger;

/** Where lines go: `process.stderr`, or anything that takes text. */
export type LogDestination = { write(text: string): unknown };

export type LogOptions = {
  readonly level: LogLevel;
  /** Stands in every line: `edge`, `control`. */
  readonly name: string;
  readonly destination: LogDestination;
  /** For people: one short readable line an event instead of JSON. */
  readonly pretty?: boolean;
};

/** One JSON line an event, with ISO time. Nothing that comes from outside can break a line or colour a terminal. */
export function createLog(options: LogOptions): Log {
  const { destination, pretty = false } = options;
  return pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withSafeKeys },
    },
    { write: (line: string) => void destination.write(pretty ? prettyLine(line) : escapeC1(line)) },
  );
}

const plainKey = /^[\w.-]{1,64}$/;

/** pino writes the keys of an event as they are. One that came from outside is written with its odd characters away. */
function withSafeKeys(event: Record<string, unknown>): Record<string, unknown> {
  for (const key in event) {
    if (plainKey.test(key)) continue;
    return Object.fromEntries(
      Object.entries(event).map(([name, value]) => [name.replace(/[^\w.-]/g, '_').slice(0, 64), value]),
    );
  }
  return event;
}

/** JSON leaves DEL, the C1 control characters and the line separators as they are; terminals obey some of them. */
const escapeC1 = (line: string): string =>
  line.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
