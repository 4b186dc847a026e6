import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { LiveMixError } from '../media/error.ts';
import { millis } from '../media/units.ts';
import { answerJson, answerProblem, answerText, requestId } from './answer.ts';
import { SystemClock } from './clock.ts';
import { startHttpServer } from './http-server.ts';
import { exchange } from './raw-client-for-test.ts';

async function answerOf(
  handle: (response: ServerResponse, request: IncomingMessage) => void,
  method = 'GET',
) {
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    clock: new SystemClock(),
    handle: (request, response) => handle(response, request),
  });
  const answer = await exchange(server.port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await server.close(millis(0));
  const [head = '', body] = answer.split('\r\n\r\n');
  return { head, body };
}

test('JSON and text have their type and length, and no cache keeps them', async () => {
  const json = await answerOf((response) => answerJson(response, 201, { name: 'é' }, { Location: '/x' }));
  expect(json.head).toMatch(
    /^HTTP\/1\.1 201 Created\r\nContent-Type: application\/json; charset=utf-8\r\nContent-Length: 13\r\n/,
  );
  expect(json.head).toMatch(/\r\nCache-Control: no-store\r\n/);
  expect(json.head).toMatch(/\r\nLocation: \/x\r\n/);
  const text = await answerOf((response) =>
    answerText(response, 200, 'ok', { 'Cache-Control': 'max-age=1' }),
  );
  expect(text.body).toBe('ok');
  expect(text.head.match(/Cache-Control/g)).toHaveLength(1);
});

test('HEAD has the head of the answer without its body', async () => {
  const { head, body } = await answerOf((response) => answerJson(response, 200, { a: 1 }), 'HEAD');
  expect(head).toContain('Content-Length: 7');
  expect(body).toBe('');
});

test('a problem names code, title, detail, hint and request', async () => {
  const error = new LiveMixError('source_starting', 'camera-0 is starting', { retryAfter: 0.5 });
  const { head, body } = await answerOf((response) => answerProblem(response, error, 'abc'));
  expect(head).toMatch(/^HTTP\/1\.1 503 /);
  expect(head).toContain('Content-Type: application/problem+json');
  expect(head).toContain('Retry-After: 1');
  expect(head).toContain('Cache-Control: no-store');
  expect(JSON.parse(body!)).toEqual({
    code: 'source_starting',
    title: 'The source is starting',
    detail: 'camera-0 is starting',
    hint: 'Ask again in a moment.',
    requestId: 'abc',
  });
});

test('401 says how to show who one is', async () => {
  const { head } = await answerOf((response) =>
    answerProblem(response, new LiveMixError('unauthorized', 'x'), 'abc'),
  );
  expect(head).toContain('WWW-Authenticate: Bearer');
});

test('request ids are short and differ', () => {
  const ids = new Set(Array.from({ length: 1000 }, requestId));
  expect(ids.size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[\w-]{12}$/);
});
