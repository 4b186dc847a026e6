import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rig } from '../support/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ lanOnly: true });
});
afterAll(() => rig[Symbol.asyncDispose]());

const put = (path: string, body: Buffer | string) =>
  fetch(`${rig.edge.url}/v1/ingest/${path}`, { method: 'PUT', body });

describe('a file whose name is none of a segment', () => {
  test.each(['big.key', 'segment-1', 'keys/segment-1'])('%s is told that a key is small', async (name) => {
    const answer = await put(`cam-a/${name}`, Buffer.alloc(1_025));
    expect(answer.status).toBe(413);
    const problem = (await answer.json()) as { code: string; detail: string; hint: string };
    expect(problem.code).toBe('body_too_large');
    expect(problem.detail).toBe('A key has at most 1024 bytes, and this is the name of a key.');
    expect(problem.hint).toMatch(/extension.*\.ts, \.m4s/);
  });

  test('of 1 KiB is taken', async () => {
    expect((await put('cam-a/small.key', Buffer.alloc(1_024))).status).toBe(200);
  });
});
