import { mkdtempSync, statSync, utimesSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { Audience } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, file: string) => void | Promise<void>;

/** A web server that gives out an encoder's folder, and otherwise what it is told to for a name. */
class Origin implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly odd = new Map<string, Answer>();
  readonly folder = mkdtempSync(join(tmpdir(), 'livemix-origin-'));
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<Origin> {
    const origin = new Origin();
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = basename(request.url ?? '');
    this.asked.push(`${request.method} ${request.url}`);
    await (this.odd.get(name) ?? give)(request, response, join(this.folder, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const give: Answer = async (request, response, file) => {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return void response.writeHead(404).end();
  const modified = statSync(file).mtime.toUTCString();
  response.writeHead(200, { 'Content-Length': bytes.length, 'Last-Modified': modified });
  response.end(request.method === 'HEAD' ? undefined : bytes);
};

const rigAt = (origin: Origin) =>
  Rig.start({ edge: { 'media-origins': origin.url }, encoder: { folder: origin.folder } });

const post = async (rig: Rig, origin: Origin) => {
  const response = await rig.encoder.post(undefined, { 'MPEG-TS-URI-Prefix': `${origin.url}/hls` });
  expect(response.ok, await response.text()).toBe(true);
};

const publish = async (rig: Rig, origin: Origin, count: number) => {
  for (let made = 0; made < count; made++) {
    await rig.encoder.make();
    await post(rig, origin);
  }
};

async function onAir(rig: Rig, origin: Origin): Promise<Audience> {
  await publish(rig, origin, 3);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  return audience;
}

test('segments are read from a web origin that is allowed, and a restart there is seen', async () => {
  await using origin = await Origin.start();
  await using rig = await rigAt(origin);
  const audience = await onAir(rig, origin);
  rig.encoder.restart();
  // Last-Modified tells whole seconds: the restart falls into another one.
  const later = new Date(Date.now() + 2000);
  for (let made = 0; made < 3; made++) {
    await rig.encoder.make();
    utimesSync(rig.encoder.path(made), later, later);
    await post(rig, origin);
  }
  await audience.sees('1/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2']);
  expect(origin.asked.every((line) => /^(GET|HEAD) \/hls\/cam-\d{3}\.ts$/.test(line))).toBe(true);
});

test('a playlist that is posted ten times is read once', async () => {
  await using origin = await Origin.start();
  await using rig = await rigAt(origin);
  const audience = await onAir(rig, origin);
  for (let posted = 0; posted < 10; posted++) await post(rig, origin);
  await publish(rig, origin, 1);
  await audience.sees('0/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3']);
  expect(origin.asked.filter((line) => line.startsWith('GET'))).toHaveLength(4);
});

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers).end('no');
  };

test.each<[string, Answer]>([
  ['answers 404', status(404)],
  ['answers 500', status(500)],
  ['answers 204', status(204)],
  ['answers 206', status(206)],
  ['redirects', status(302, { Location: '/hls/cam-002.ts' })],
  ['sends a page', status(200, { 'Content-Type': 'text/html' })],
  ['sends nothing', (_, response) => void response.writeHead(200, { 'Content-Length': '0' }).end()],
  ['hangs up', (_, response) => void response.destroy()],
  [
    'hangs up in the middle',
    async (_, response, file) => {
      const bytes = await readFile(file);
      response.writeHead(200, { 'Content-Length': bytes.length });
      response.write(bytes.subarray(0, 188 * 20), () => response.destroy());
    },
  ],
  [
    'says it is too large',
    (request, response) => {
      response.writeHead(200, { 'Content-Length': 2 ** 40 });
      if (request.method === 'HEAD') return void response.end();
      response.write('a');
    },
  ],
  [
    'never ends',
    (request, response) => {
      response.writeHead(200);
      if (request.method === 'HEAD') return void response.end();
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(188 * 4096, 0x47)));
      };
      response.on('drain', more);
      more();
    },
  ],
])('a segment whose origin %s is a gap, and what follows goes on', async (_, answer) => {
  await using origin = await Origin.start();
  await using rig = await rigAt(origin);
  const audience = await onAir(rig, origin);
  origin.odd.set('cam-003.ts', answer);
  await publish(rig, origin, 3);
  await audience.sees('0/5', 12_000);
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5']);
});

test('a redirect is not followed to another origin', async () => {
  await using origin = await Origin.start();
  await using inner = await Origin.start();
  await using rig = await rigAt(origin);
  const audience = await onAir(rig, origin);
  origin.odd.set('cam-003.ts', status(301, { Location: `${inner.url}/hls/cam-003.ts` }));
  await publish(rig, origin, 2);
  await audience.sees('0/4');
  expect(inner.asked).toEqual([]);
});

test('a slow origin delays, and everything is stored whole and in order', async () => {
  await using origin = await Origin.start();
  await using rig = await rigAt(origin);
  const audience = await onAir(rig, origin);
  origin.odd.set('cam-003.ts', async (request, response, file) => {
    const bytes = await readFile(file);
    response.writeHead(200, { 'Content-Length': bytes.length });
    if (request.method === 'HEAD') return void response.end();
    for (let done = 0; done < bytes.length; done += 2000) {
      response.write(bytes.subarray(done, done + 2000));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    response.end();
  });
  await publish(rig, origin, 3);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('an origin that is not allowed is never asked', async () => {
  await using origin = await Origin.start();
  await using rig = await Rig.start({ lanOnly: true, encoder: { folder: origin.folder } });
  await rig.encoder.make();
  const refused = await rig.encoder.post(undefined, { 'MPEG-TS-URI-Prefix': origin.url });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ code: 'prefix_not_allowed' });
  expect(origin.asked).toEqual([]);
});
