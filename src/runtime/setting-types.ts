import { isAbsolute, normalize } from 'node:path';
import { type Bytes, bytes, type Seconds, seconds } from '../media/units.ts';
import { shown } from './settings-error.ts';

/**
 * Turns the text of a setting into its value, or throws `BadValue`.
 * `form` is how help shows the value; `separator` stands between the members of a list.
 */
export interface Parser<T> {
  (text: string): T;
  readonly form: string;
  readonly separator?: string;
}

/** Why a text is not a value of its type. `what` may be shown only where the setting is no secret. */
export class BadValue extends Error {
  constructor(
    readonly what: string,
    readonly mend: string,
  ) {
    super(`${what}. ${mend}`);
    this.name = 'BadValue';
  }
}

const parser = <T>(form: string, parse: (text: string) => T, separator?: string): Parser<T> =>
  Object.assign((text: string) => parse(text), { form, ...(separator === undefined ? {} : { separator }) });

/** Where a server listens. Port 0 lets the system choose one. */
export type HostPort = { readonly host: string; readonly port: number };

/** `127.0.0.1:8080`, `[::1]:8080`, `camera-host:8080`. */
export const hostPort: Parser<HostPort> = parser('HOST:PORT', (text) => {
  const found = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  const host = found?.[1] ?? found?.[2];
  if (host !== undefined && port <= 65_535) return { host, port };
  if (/^:\d+$/.test(text)) {
    throw new BadValue(
      `${shown(text)} has no host`,
      `Write 127.0.0.1${text} for this machine alone or 0.0.0.0${text} for everyone.`,
    );
  }
  if (/^\d+$/.test(text)) {
    throw new BadValue(`${shown(text)} has no host`, `Write 127.0.0.1:${text}.`);
  }
  throw new BadValue(`${shown(text)} is not HOST:PORT`, 'Write for example 127.0.0.1:8080 or [::1]:8080.');
});

/** Whether only this machine can reach what listens on `host`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(host);

/** A length of time in whole or fractional seconds: `600`. */
export const secondsValue: Parser<Seconds> = parser('SECONDS', (text) => {
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) {
    throw new BadValue(`${shown(text)} is not a number of seconds`, 'Write for example 600.');
  }
  return seconds(Number(text));
});

const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** A length of data: `2GiB`, `256MiB`, `1000` (bytes). */
export const bytesValue: Parser<Bytes> = parser('BYTES', (text) => {
  const found = /^(\d{1,15}(?:\.\d{1,3})?) ?([A-Za-z]*)$/.exec(text);
  const unit = byteUnits[found?.[2] || 'B'];
  const value = Math.floor(Number(found?.[1]) * (unit ?? Number.NaN));
  if (!Number.isSafeInteger(value)) {
    throw new BadValue(`${shown(text)} is not a size`, 'Write for example 2GiB, 256MiB or 1000.');
  }
  return bytes(value);
});

const members = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((member) => member.trim())
    .filter((member) => member !== '');

/** Folders with `:` between; each absolute; normalised, without a slash at the end. */
export const folderList: Parser<readonly string[]> = parser(
  'DIR:DIR',
  (text) => {
    const folders = members(text, ':').map((folder) => {
      if (!isAbsolute(folder)) {
        throw new BadValue(
          `${shown(folder)} is not an absolute folder`,
          'Write folders that begin with /, with : between them.',
        );
      }
      return normalize(folder).replace(/(?<=.)\/+$/, '');
    });
    return [...new Set(folders)];
  },
  ':',
);

const httpOrigin = (text: string, mend: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new BadValue(`${shown(text)} is not an http(s) address`, mend);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadValue('A name or password stands in the address', mend);
  }
  if (url.pathname !== '/' || /[?#]/.test(text)) {
    throw new BadValue(`${shown(text)} has more than a host and a port`, mend);
  }
  return url;
};

/** http(s) origins with `,` between, as `URL.origin` writes them. */
export const originList: Parser<readonly string[]> = parser(
  'ORIGIN,ORIGIN',
  (text) => {
    const mend = 'Write origins such as http://10.0.0.5:8000, with , between them.';
    return [...new Set(members(text, ',').map((origin) => httpOrigin(origin, mend).origin))];
  },
  ',',
);

/** Addresses of nodes with `,` between: http(s), nothing after the host and port. At least one. */
export const urlList: Parser<readonly URL[]> = parser(
  'URL,URL',
  (text) => {
    const mend = 'Write addresses such as https://live.example.org, with , between them.';
    const urls = members(text, ',').map((url) => httpOrigin(url, mend));
    if (urls.length === 0) throw new BadValue('No address is given', mend);
    return urls;
  },
  ',',
);

/** A whole number within [min, max]. */
export const integer = (min: number, max: number): Parser<number> =>
  parser('NUMBER', (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new BadValue(`${shown(text)} is no whole number from ${min} to ${max}`, 'Write one.');
    }
    return value;
  });

/** One of a few words. */
export const choice = <const Word extends string>(words: readonly Word[]): Parser<Word> =>
  parser(words.join('|'), (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) {
      throw new BadValue(`${shown(text)} is not one of the choices`, `Write one of ${words.join(', ')}.`);
    }
    return word;
  });

/** Any text of one line. `form` is what help shows: `NAME`, `FILE`. */
export const text = (form = 'TEXT'): Parser<string> =>
  parser(form, (value) => {
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      throw new BadValue('A control character stands in it', 'Write it on one line.');
    }
    return value;
  });

/** A secret: 8 or more printable ASCII characters without a space. Never shown in a message. */
export const token: Parser<string> = parser('TOKEN', (value) => {
  if (!/^[\u0021-\u007e]{8,512}$/.test(value)) {
    throw new BadValue(
      'This is no token',
      'Use 8 to 512 printable ASCII characters without spaces, for example from `openssl rand -hex 16`.',
    );
  }
  return value;
});
