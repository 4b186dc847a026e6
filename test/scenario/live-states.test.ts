import { describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { Prober } from '../support/prober.ts';
import { Rig } from '../support/rig.ts';

/** The sum of a metric's series that have these labels. */
async function metric(node: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${node}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${name}[{ ]`).test(line) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function ask(url: string, init: RequestInit = {}) {
  const from = performance.now();
  const response = await fetch(url, init);
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined,
    tookMs: performance.now() - from,
  };
}

const setMode = (rig: Rig, mode: unknown, source = rig.encoder.source) =>
  ask(`${rig.control.url}/v1/sources/${source}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(typeof mode === 'string' ? { mode } : mode),
  });

/** A rig whose edge reaches control over a line that can be cut. */
async function startWithLine(): Promise<{ rig: Rig; line: FaultProxy }> {
  let line: FaultProxy | undefined;
  const rig = await Rig.start({
    edgeDials: async (control) => {
      line = await startFaultProxy(control);
      return line.url;
    },
  });
  return { rig, line: line! };
}

/** The encoder goes on by itself until the end of the scope. */
function encode(rig: Rig): AsyncDisposable {
  const stop = new AbortController();
  const running = rig.encoder.publishPaced(stop.signal);
  return {
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return running;
    },
  };
}

const names = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe.concurrent('what a live playlist answers', () => {
  test('a source that nobody knows is not found, in words that help', async () => {
    await using rig = await Rig.start();
    const answer = await ask(`${rig.control.url}/live/nobody/index.m3u8`);
    expect(answer).toMatchObject({ status: 404, code: 'source_unknown' });
    const problem = JSON.parse(answer.text) as Record<string, unknown>;
    expect(Object.keys(problem)).toEqual(
      expect.arrayContaining(['code', 'title', 'detail', 'hint', 'requestId']),
    );
    expect(answer.text).not.toContain(process.cwd());
    expect(await ask(`${rig.control.url}/v1/sources/nobody`)).toMatchObject({
      status: 404,
      code: 'source_unknown',
    });
  });

  test('the first viewer of an idle source waits a moment and gets the tail', async () => {
    await using rig = await Rig.start();
    await rig.encoder.publish(8);
    await rig.until('the source is idle', async () => (await rig.source())?.['state'] === 'idle');
    const first = await ask(rig.playlistUrl);
    expect(first.status).toBe(200);
    expect(first.tookMs).toBeLessThan(3_000);
    // Three target durations of the newest, and nothing older.
    expect(names(first.text)).toHaveLength(3);
    expect(first.text).toContain('#EXT-X-DISCONTINUITY\n');
    expect(first.text).not.toContain('#EXT-X-GAP');
    await rig.until('it is live', async () => (await rig.source())?.['state'] === 'live');
    expect(await rig.source()).toMatchObject({ viewers: 1 });
  });

  test('a source that cannot start is held at most nine seconds, and never refused early', async () => {
    const { rig, line } = await startWithLine();
    await using _rig = rig;
    await using _line = line;
    await rig.encoder.publish(4);
    await rig.until('the source appears', () => rig.source());
    line.cut();
    const held = await ask(rig.playlistUrl);
    expect(held).toMatchObject({ status: 503, code: 'source_starting' });
    expect(held.headers.get('retry-after')).toBe('1');
    expect(held.tookMs).toBeGreaterThan(8_000);
    expect(held.tookMs).toBeLessThan(9_500);
    await line.heal();
    expect((await ask(rig.playlistUrl)).status).toBe(200);
  });

  test('a held viewer gets the list the moment there is one', async () => {
    const { rig, line } = await startWithLine();
    await using _rig = rig;
    await using _line = line;
    await rig.encoder.publish(4);
    await rig.until('the source appears', () => rig.source());
    line.cut();
    const asked = ask(rig.playlistUrl);
    await rig.encoder.publish(1);
    await rig.until('the viewer is held', async () => (await rig.source())?.['viewers'] === 1);
    await line.heal();
    const answer = await asked;
    expect(answer.status).toBe(200);
    expect(answer.tookMs).toBeLessThan(4_000);
    expect(names(answer.text).length).toBeGreaterThan(0);
  });

  test('a stalled source keeps its last list, and the operator is told why it is offline', async () => {
    await using rig = await Rig.start();
    await rig.encoder.publish(6);
    await rig.until('the source appears', () => rig.source());
    const live = await ask(rig.playlistUrl);
    expect(live.status).toBe(200);
    // The encoder is silent; somebody goes on watching.
    const offline = await rig.until(
      'the silent source is offline',
      async () => {
        const stalled = await ask(rig.playlistUrl);
        expect(stalled.status).toBe(200);
        expect(stalled.text).toBe(live.text);
        expect(stalled.tookMs).toBeLessThan(300);
        const source = await rig.source();
        return source?.['state'] === 'offline' ? source : undefined;
      },
      16_000,
    );
    expect(offline['trouble']).toMatchObject({
      code: expect.stringMatching(/./),
      detail: expect.stringMatching(/./),
      hint: expect.stringMatching(/./),
    });
    const silence = (offline['trouble'] as { code: string }).code;
    // The encoder is back.
    await rig.encoder.publish(1);
    await rig.until('it is live again', async () => (await rig.source())?.['state'] === 'live');
    const back = await rig.until('the list goes on', async () => {
      const { text } = await ask(rig.playlistUrl);
      return text !== live.text && text;
    });
    // The edge is gone.
    await rig.edge.close();
    const gone = await rig.until('the source of an edge that is gone is offline', async () => {
      const source = await rig.source();
      return source?.['state'] === 'offline' ? source : undefined;
    });
    expect((gone['trouble'] as { code: string }).code).not.toBe(silence);
    const last = await ask(rig.playlistUrl);
    expect(last).toMatchObject({ status: 200, text: back });
    for (const name of names(last.text)) {
      expect((await ask(new URL(name, rig.playlistUrl).href)).status).toBe(200);
    }
  });

  test('a source that is off says so at once, and can be put on again', async () => {
    await using rig = await Rig.start();
    await using _encoding = encode(rig);
    await rig.until('the source appears', () => rig.source());
    const prober = new Prober({ url: rig.playlistUrl });
    await prober.poll();
    expect(prober.answers).toEqual({ '200': 1 });
    const listed = prober.playlist!.segments;

    expect(await setMode(rig, 'off')).toMatchObject({ status: 200 });
    const off = await ask(rig.playlistUrl);
    expect(off).toMatchObject({ status: 503, code: 'source_off' });
    expect(off.headers.get('retry-after')).toBe('30');
    expect(off.tookMs).toBeLessThan(300);
    expect(await rig.source()).toMatchObject({ mode: 'off', state: 'idle' });
    // What was listed may still be asked for (A2).
    for (const { uri } of listed) {
      expect((await ask(new URL(uri, rig.playlistUrl).href)).status).toBe(200);
    }
    const forwarded = await metric(rig.edge.url, 'livemix_edge_uplink_bytes_total');
    const ingested = rig.encoder.made.length;
    await rig.until('two more segments are made', () => rig.encoder.made.length >= ingested + 2);
    expect(await metric(rig.edge.url, 'livemix_edge_uplink_bytes_total')).toBe(forwarded);

    expect(await setMode(rig, 'on-demand')).toMatchObject({ status: 200 });
    await prober.poll();
    expect(prober.answers).toEqual({ '200': 2 });
    expect(prober.playlist!.segments.at(-1)!.sequence).toBeGreaterThan(listed.at(-1)!.sequence);
    expect(prober.violations).toEqual([]);
  });

  test('switching off answers a viewer who is being held', async () => {
    const { rig, line } = await startWithLine();
    await using _rig = rig;
    await using _line = line;
    await rig.encoder.publish(3);
    await rig.until('the source appears', () => rig.source());
    line.cut();
    const asked = ask(rig.playlistUrl);
    await rig.until('the viewer is held', async () => (await rig.source())?.['viewers'] === 1);
    await setMode(rig, 'off');
    const answer = await asked;
    expect(answer).toMatchObject({ status: 503, code: 'source_off' });
    expect(answer.tookMs).toBeLessThan(3_000);
    await line.heal();
  });

  test('forwarding ends some fifteen seconds after the last viewer, and starts anew with the next', async () => {
    await using rig = await Rig.start();
    await using _encoding = encode(rig);
    await rig.until('the source appears', () => rig.source());
    const prober = new Prober({ url: rig.playlistUrl });
    await prober.poll();
    const last = performance.now();
    await rig.until('it is live', async () => (await rig.source())?.['state'] === 'live');
    await rig.until('the source is idle', async () => (await rig.source())?.['state'] === 'idle', 22_000);
    const idleAfter = performance.now() - last;
    expect(idleAfter).toBeGreaterThan(14_500);
    expect(idleAfter).toBeLessThan(19_000);
    expect((await rig.source())?.['viewers']).toBe(0);
    const sent = async () => await metric(rig.edge.url, 'livemix_edge_uplink_bytes_total');
    // A segment that was under way may still end.
    let forwarded = await sent();
    await rig.until('nothing is sent any more', async () => {
      const made = rig.encoder.made.length;
      await rig.until('another segment is made', () => rig.encoder.made.length > made);
      const now = await sent();
      const same = now === forwarded;
      forwarded = now;
      return same;
    });
    await prober.poll();
    expect(prober.answers).toEqual({ '200': 2 });
    const lan = names(await (await fetch(rig.lanPlaylistUrl)).text());
    expect(lan.slice(-2)).toContain(prober.playlist!.segments.at(-1)!.uri);
    expect(prober.violations).toEqual([]);
  });

  test('who fetches segments alone is a viewer, too', async () => {
    await using rig = await Rig.start();
    await using _encoding = encode(rig);
    await rig.until('the source appears', () => rig.source());
    expect((await ask(rig.playlistUrl)).status).toBe(200);
    const watchedFrom = performance.now();
    const seen = new Set<string>();
    // The edge's own list names the same segments, and asking it is no visit to control.
    await rig.until(
      'eighteen seconds of segments are watched',
      async () => {
        const lan = names(await (await fetch(rig.lanPlaylistUrl)).text());
        const fresh = lan.slice(-3, -1).filter((name) => !seen.has(name));
        for (const name of fresh) {
          const { status } = await ask(new URL(name, rig.playlistUrl).href);
          expect(status).toBe(200);
          seen.add(name);
        }
        return performance.now() - watchedFrom > 18_000;
      },
      20_000,
    );
    expect(await rig.source()).toMatchObject({ state: 'live' });
    expect(seen.size).toBeGreaterThan(14);
  });

  test('a source in mode always is forwarded with nobody watching', async () => {
    await using rig = await Rig.start();
    await rig.encoder.publish(4);
    await rig.until('the source appears', () => rig.source());
    const answer = await setMode(rig, 'always');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'camera-0', mode: 'always' });
    await rig.until('it is live', async () => (await rig.source())?.['state'] === 'live');
    await rig.encoder.publish(3);
    await rig.until(
      'control has six',
      async () => (await metric(rig.control.url, 'livemix_control_live_segments_total')) === 6,
    );
    expect(await rig.source()).toMatchObject({ viewers: 0, state: 'live', mode: 'always' });
    expect((await ask(rig.playlistUrl)).tookMs).toBeLessThan(300);
  });

  test('a change that makes no sense is refused and changes nothing', async () => {
    await using rig = await Rig.start();
    await rig.encoder.publish(2);
    await rig.until('the source appears', () => rig.source());
    const made = rig.encoder.made.reduce((sum, { length }) => sum + length, 0);
    await rig.until('all is told', async () => (await rig.source())?.['ingestedBytes'] === made);
    const before = await rig.source();
    expect((await setMode(rig, 'sometimes')).status).toBe(400);
    expect((await setMode(rig, {})).status).toBe(400);
    expect(await setMode(rig, { mode: 'off', color: 'red' })).toMatchObject({
      status: 400,
      code: 'unknown_field',
    });
    expect(await setMode(rig, 'off', 'nobody')).toMatchObject({ status: 404, code: 'source_unknown' });
    const notJson = await ask(`${rig.control.url}/v1/sources/camera-0`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'text/plain' },
      body: '{"mode":"off"}',
    });
    expect(notJson.status).toBe(415);
    expect(await rig.source()).toEqual(before);
  });

  test('a source appears by itself, goes when it is deleted, and comes again when its edge reports it', async () => {
    await using rig = await Rig.start();
    expect(await (await fetch(`${rig.control.url}/v1/sources`)).json()).toEqual([]);
    await rig.encoder.publish(4);
    await rig.until('the source appears', async () => (await rig.source())?.['state'] === 'idle');
    const list = (await (await fetch(`${rig.control.url}/v1/sources`)).json()) as Record<string, unknown>[];
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({
      name: 'camera-0',
      edge: 'edge-1',
      state: 'idle',
      mode: 'on-demand',
      viewers: 0,
      forwardedBytes: 0,
      lastSegmentAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await ask(rig.playlistUrl)).status).toBe(200);
    await rig.edge.close();
    const deleted = await ask(`${rig.control.url}/v1/sources/camera-0`, { method: 'DELETE' });
    expect(deleted.status).toBeLessThan(300);
    expect(await rig.source()).toBeUndefined();
    expect(await ask(rig.playlistUrl)).toMatchObject({ status: 404, code: 'source_unknown' });
    expect((await ask(`${rig.control.url}/v1/sources/camera-0`, { method: 'DELETE' })).status).toBe(404);
    await rig.startEdge();
    await rig.encoder.publish(3);
    await rig.until('the source appears again', () => rig.source());
    expect(await rig.source()).toMatchObject({ mode: 'on-demand', edge: 'edge-1' });
    expect((await ask(rig.playlistUrl)).status).toBe(200);
  });

  test('a source that appears is never shown as one whose edge is gone', async () => {
    await using rig = await Rig.start();
    const seen = new Set<string>();
    const watching = rig.until('it is idle', async () => {
      const source = await rig.source();
      if (source !== undefined) {
        seen.add(`${source['state']} ${(source['trouble'] as { code: string } | undefined)?.code ?? ''}`);
      }
      return source?.['state'] === 'idle';
    });
    await rig.encoder.publish(2);
    await watching;
    expect([...seen].filter((state) => state.includes('edge_offline'))).toEqual([]);
  });

  test('a playlist that the edge refuses still makes its source appear, with the reason', async () => {
    await using rig = await Rig.start();
    const refused = await rig.encoder.post('this is no playlist\n');
    expect(refused.status).toBe(400);
    const source = await rig.until('the source appears with its trouble', async () => {
      const shown = await rig.source();
      return (shown?.['trouble'] as { code: string } | undefined)?.code === 'bad_playlist'
        ? shown
        : undefined;
    });
    expect(source).toMatchObject({ state: 'offline', ingestedBytes: 0 });
    const held = ask(rig.playlistUrl);
    await rig.encoder.publish(3);
    expect((await held).status).toBe(200);
    await rig.until('the trouble is over', async () => (await rig.source())?.['trouble'] === undefined);
  });
});
