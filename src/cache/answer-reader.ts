import { CacheFailure } from './segment-cache.ts';

/** What memcached's text protocol answers with: a value, or a line (`STORED`, `END`, `SERVER_ERROR …`). */
export type Answer =
  | { readonly kind: 'value'; readonly key: string; readonly value: Buffer }
  | { readonly kind: 'line'; readonly line: string };

const LONGEST_LINE = 2048;
const CRLF = Buffer.from('\r\n');

type Body = { readonly key: string; readonly value: Buffer; filled: number };

/**
 * Reads answers from chunks of a connection, however they are cut. Throws a `CacheFailure` (`protocol`) at
 * what memcached would not send; the connection is then of no use.
 */
export class AnswerReader {
  readonly #longestValue: number;
  #body: Body | undefined;
  /** The beginning of a line or of the CRLF after a body. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(longestValue: number) {
    this.#longestValue = longestValue;
  }

  /** The answers that end in this chunk. The chunk may be used again afterwards. */
  *read(chunk: Buffer): Generator<Answer> {
    let data = this.#fill(chunk);
    if (this.#rest.length > 0) data = Buffer.concat([this.#rest, data]);
    for (;;) {
      const body = this.#body;
      if (body === undefined) {
        const end = data.indexOf(CRLF);
        if (end < 0) break;
        const line = data.toString('latin1', 0, end);
        data = data.subarray(end + 2);
        if (line.startsWith('VALUE ')) {
          this.#body = this.#begin(line);
          data = this.#fill(data);
        } else yield { kind: 'line', line };
      } else {
        if (body.filled < body.value.length || data.length < 2) break;
        if (!data.subarray(0, 2).equals(CRLF)) throw new CacheFailure('protocol', 'no CRLF after a value');
        data = data.subarray(2);
        this.#body = undefined;
        yield { kind: 'value', key: body.key, value: body.value };
      }
    }
    if (data.length > LONGEST_LINE) throw new CacheFailure('protocol', 'a line without an end');
    this.#rest = Buffer.from(data);
  }

  #begin(line: string): Body {
    const [, key = '', length] = /^VALUE (\S{1,250}) \d{1,10} (\d{1,10})$/.exec(line) ?? [];
    const bytes = Number(length);
    if (!(bytes <= this.#longestValue)) {
      throw new CacheFailure('protocol', `not a value that was stored: ${JSON.stringify(line.slice(0, 80))}`);
    }
    return { key, value: Buffer.allocUnsafeSlow(bytes), filled: 0 };
  }

  /** Copies what belongs to the body that is being read, gives back what is left. */
  #fill(data: Buffer): Buffer {
    const body = this.#body;
    if (body === undefined || body.filled === body.value.length) return data;
    const copied = data.copy(body.value, body.filled);
    body.filled += copied;
    return data.subarray(copied);
  }
}
