import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Prober, type ProberOptions } from './support/prober.ts';
import { checkLadder } from './support/prober-ladder.ts';
import { checkContinues, firstTimestamp } from './support/prober-media.ts';
import {
  checkReply,
  checkUpdate,
  type Finding,
  History,
  type UpdateOptions,
} from './support/prober-rules.ts';

/** A live list to plant mistakes in: segments `from` to `to` of four seconds. Built by hand, not by `src/hls`. */
type Plan = {
  readonly from: number;
  readonly to: number;
  readonly target?: number | string;
  readonly discontinuitySequence?: number;
  readonly segments?: Readonly<Record<number, Partial<PlannedSegment>>>;
  /** What a mistake does to the finished text. */
  readonly edit?: (text: string) => string;
  readonly headers?: Readonly<Record<string, string | null>>;
  /** When it is asked for, in milliseconds; else as `to` says. */
  readonly at?: number;
};
type PlannedSegment = {
  readonly uri: string;
  readonly extinf: string;
  readonly dateTime: string;
  readonly discontinuity: boolean;
  readonly gap: boolean;
  /** Lines before its EXTINF. */
  readonly tags: readonly string[];
  readonly left: boolean;
};

const BASE = Date.UTC(2026, 10, 23, 20, 0, 0);
const timeOf = (sequence: number) => new Date(BASE + sequence * 4000).toISOString();
const uriOf = (sequence: number) => `../../m/camera-0/main/${sequence}-abc.ts`;

function printPlan({ from, to, target = 4, discontinuitySequence = 0, segments = {}, edit }: Plan): string {
  const listed = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
    (sequence) => !segments[sequence]?.left,
  );
  const gaps = listed.some((sequence) => segments[sequence]?.gap);
  const text = [
    '#EXTM3U',
    `#EXT-X-VERSION:${gaps ? 8 : 3}`,
    `#EXT-X-TARGETDURATION:${target}`,
    `#EXT-X-MEDIA-SEQUENCE:${from}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`,
    ...listed.flatMap((sequence) => {
      const own = segments[sequence] ?? {};
      return [
        ...(own.discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
        `#EXT-X-PROGRAM-DATE-TIME:${own.dateTime ?? timeOf(sequence)}`,
        ...(own.tags ?? []),
        ...(own.gap ? ['#EXT-X-GAP'] : []),
        `#EXTINF:${own.extinf ?? '4.000000,'}`,
        own.uri ?? uriOf(sequence),
      ];
    }),
    '',
  ].join('\n');
  return edit?.(text) ?? text;
}

const headersOf = (plan: Plan, text: string): Headers => {
  const all = {
    'Content-Type': 'application/vnd.apple.mpegurl',
    'Cache-Control': 'public, max-age=1',
    ETag: `"${createHash('sha256').update(text).digest('base64url')}"`,
    ...plan.headers,
  };
  return new Headers(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
};

/** What the rules find in a sequence of replies. */
function findIn(plans: readonly Plan[], options?: UpdateOptions): Finding[] {
  const history = new History();
  return plans.flatMap((plan) => {
    const text = printPlan(plan);
    const headers = headersOf(plan, text);
    const { playlist, findings } = checkReply(text, headers, new TextEncoder().encode(text).length);
    const reply = { playlist, etag: headers.get('etag'), at: plan.at ?? plan.to * 4000 };
    const updates = checkUpdate(history, reply, options);
    history.add(reply);
    return [...findings, ...updates];
  });
}

const rulesIn = (plans: readonly Plan[], options?: UpdateOptions) => [
  ...new Set(findIn(plans, options).map(({ rule }) => rule)),
];

const replace = (what: string | RegExp, by: string) => (text: string) => text.replace(what, by);
const insertBefore = (line: string, what: string) => replace(line, `${what}\n${line}`);
const cut = { discontinuity: true };

/** Sequences of replies that keep all rules. */
const good: Record<string, readonly Plan[]> = {
  'the first list is short': [
    { from: 1, to: 1 },
    { from: 1, to: 2 },
  ],
  'the window slides': [
    { from: 10, to: 14 },
    { from: 10, to: 14 },
    { from: 11, to: 15 },
    { from: 13, to: 17 },
  ],
  'a discontinuity comes, and leaves with its segment': [
    { from: 10, to: 13 },
    { from: 11, to: 14, segments: { 14: cut } },
    { from: 14, to: 17, segments: { 14: cut } },
    { from: 15, to: 18, discontinuitySequence: 1 },
  ],
  'a stretch opens behind a hole': [
    { from: 10, to: 14, at: 0 },
    { from: 10, to: 14, at: 30_000 },
    { from: 20, to: 23, segments: { 20: cut }, at: 32_000 },
    { from: 21, to: 24, discontinuitySequence: 1, at: 36_000 },
  ],
  'the prober looked away while the opening of a stretch came and went': [
    { from: 10, to: 14, at: 0 },
    { from: 30, to: 34, discontinuitySequence: 1, at: 80_000 },
  ],
  'the target duration rises with the segment that is longer': [
    { from: 10, to: 14 },
    { from: 11, to: 15, target: 5, segments: { 15: { extinf: '4.600000,' } } },
    { from: 12, to: 16, target: 5, segments: { 15: { extinf: '4.600000,' } } },
  ],
  'the target duration rises with a stretch': [
    { from: 10, to: 14, at: 0 },
    { from: 20, to: 24, target: 6, segments: { 20: cut }, at: 2000 },
  ],
  'a gap comes and goes, and the version with it': [
    { from: 10, to: 14 },
    { from: 11, to: 15, segments: { 15: { gap: true } } },
    { from: 16, to: 20 },
  ],
  CRLF: [{ from: 1, to: 4, edit: replace(/\n/g, '\r\n') }],
  'a MAP repeated at the head of a list that slid': [
    {
      from: 10,
      to: 14,
      segments: { 10: { tags: ['#EXT-X-MAP:URI="i.mp4"'] } },
      edit: replace('VERSION:3', 'VERSION:6'),
    },
    {
      from: 11,
      to: 15,
      segments: { 11: { tags: ['#EXT-X-MAP:URI="i.mp4"'] } },
      edit: replace('VERSION:3', 'VERSION:6'),
    },
  ],
  'a playlist that is not to be cached': [{ from: 1, to: 4, headers: { 'Cache-Control': 'no-cache' } }],
};

test.each(Object.entries(good))('nothing is found where %s', (_, plans) => {
  expect(findIn(plans)).toEqual([]);
});

const alone = (edit: (text: string) => string): readonly Plan[] => [{ from: 1, to: 4, edit }];
const withHeaders = (headers: Record<string, string | null>): readonly Plan[] => [
  { from: 1, to: 4, headers },
];
const withSegment = (own: Partial<PlannedSegment>): readonly Plan[] => [
  { from: 1, to: 4, segments: { 3: own } },
];
const before: Plan = { from: 10, to: 14 };

/** One planted violation each, and the one rule that must find it. */
const planted: [string, string, readonly Plan[]][] = [
  ['P1', 'text/plain', withHeaders({ 'Content-Type': 'text/plain' })],
  ['P1', 'no type', withHeaders({ 'Content-Type': null })],
  ['P2', 'a BOM', alone((text) => `\uFEFF${text}`)],
  ['P2', 'a tab', alone(replace('4.000000,\n', '4.000000,\ttitle\n'))],
  ['P2', 'a bare CR', alone(replace('4.000000,\n', '4.000000,a\rb\n'))],
  ['P2', 'white space behind a line', alone(replace('4.000000,\n', '4.000000, \n'))],
  ['P2', 'white space before a line', alone(replace('../../m', ' ../../m'))],
  ['P2', 'not in normal form C', alone(replace('4.000000,', '4.000000,e\u0301'))],
  ['P2', 'not UTF-8', alone(replace('4.000000,', '4.000000,\uFFFD'))],
  ['P3', 'a comment first', alone((text) => `# hello\n${text}`)],
  ['P3', 'two versions', alone(insertBefore('#EXT-X-TARGET', '#EXT-X-VERSION:3'))],
  ['P3', 'a tag of a multivariant playlist', alone(insertBefore('#EXT-X-TARGET', '#EXT-X-MEDIA:TYPE=AUDIO'))],
  ['P4', 'two target durations', alone(insertBefore('#EXT-X-TARGET', '#EXT-X-TARGETDURATION:4'))],
  [
    'P4',
    'the sequence at the end',
    alone((text) => `${text.replace('#EXT-X-MEDIA-SEQUENCE:1\n', '')}#EXT-X-MEDIA-SEQUENCE:1\n`),
  ],
  [
    'P4',
    'the discontinuity sequence behind a discontinuity',
    alone(
      replace('#EXT-X-DISCONTINUITY-SEQUENCE:0', '#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:0'),
    ),
  ],
  ['P5', 'white space in attributes', withSegment({ tags: ['#EXT-X-KEY:METHOD=AES-128, URI="k"'] })],
  ['P5', 'an attribute twice', withSegment({ tags: ['#EXT-X-KEY:METHOD=NONE,METHOD=NONE'] })],
  ['P5', 'an attribute that wants quotes', withSegment({ tags: ['#EXT-X-KEY:METHOD=AES-128,URI=k'] })],
  ['P5', 'an attribute that wants none', withSegment({ tags: ['#EXT-X-KEY:METHOD="AES-128",URI="k"'] })],
  [
    'P6',
    'decimals at version 2',
    alone((text) =>
      text.replace('VERSION:3', 'VERSION:2').replaceAll('4.000000,', '4,').replace('4,', '4.000000,'),
    ),
  ],
  ['P6', 'a version too high', alone(replace('VERSION:3', 'VERSION:7'))],
  [
    'P6',
    'a gap at version 3',
    [{ from: 1, to: 4, segments: { 2: { gap: true } }, edit: replace('VERSION:8', 'VERSION:3') }],
  ],
  ['P7', 'a leading slash', withSegment({ uri: '/m/3.ts' })],
  ['P7', 'a host', withSegment({ uri: 'https://host/m/3.ts' })],
  ['P7', 'a key elsewhere', withSegment({ tags: ['#EXT-X-KEY:METHOD=AES-128,URI="/k"'] })],
  ['C1', 'no target duration', alone(replace('#EXT-X-TARGETDURATION:4\n', ''))],
  ['C1', 'a target duration with decimals', [{ from: 1, to: 4, target: '4.0' }]],
  ['C1', 'a target duration of 0', [{ from: 1, to: 4, target: 0 }]],
  ['C1', 'a longer segment', withSegment({ extinf: '4.500000,' })],
  ['C2', 'an integer EXTINF', withSegment({ extinf: '4,' })],
  ['C2', 'an exponent', withSegment({ extinf: '4.000e0,' })],
  ['C2', 'no comma', withSegment({ extinf: '4.000000' })],
  ['C2', 'a negative EXTINF', withSegment({ extinf: '-4.000000,' })],
  ['C9', 'a date-time missing', alone(replace(`#EXT-X-PROGRAM-DATE-TIME:${timeOf(3)}\n`, ''))],
  ['C9', 'no zone', withSegment({ dateTime: timeOf(3).replace('Z', '') })],
  ['C9', 'no milliseconds', withSegment({ dateTime: timeOf(3).replace('.000', '') })],
  ['C9', 'ffmpeg’s zone', withSegment({ dateTime: timeOf(3).replace('Z', '+0000') })],
  ['C9', 'two segments at one time', withSegment({ dateTime: timeOf(2) })],
  [
    'U1',
    'the target duration falls',
    [
      { ...before, target: 5 },
      { ...before, target: 4 },
    ],
  ],
  [
    'U1',
    'the target duration falls with a stretch',
    [
      { ...before, target: 5, at: 0 },
      { from: 20, to: 24, segments: { 20: cut }, at: 2000 },
    ],
  ],
  ['U1', 'the target duration rises for nothing', [before, { ...before, target: 5 }]],
  [
    'U1',
    'the target duration rises too far',
    [before, { from: 11, to: 15, target: 6, segments: { 15: { extinf: '4.600000,' } } }],
  ],
  [
    'U2',
    'a tag of the playlist comes',
    [before, { ...before, edit: insertBefore('#EXT-X-TARGET', '#EXT-X-INDEPENDENT-SEGMENTS') }],
  ],
  ['U3', 'the sequence falls', [before, { from: 9, to: 14 }]],
  ['U3', 'an old list comes back', [{ from: 9, to: 13 }, before, { from: 9, to: 13 }]],
  ['U3', 'another URI for a number', [before, { ...before, segments: { 12: { uri: 'other.ts' } } }]],
  ['U3', 'another duration for a number', [before, { ...before, segments: { 12: { extinf: '3.999000,' } } }]],
  [
    'U3',
    'another date-time for a number',
    [before, { ...before, segments: { 12: { dateTime: timeOf(12).replace('.000', '.001') } } }],
  ],
  ['U3', 'a gap is healed', [{ ...before, segments: { 12: { gap: true } } }, before]],
  ['U3', 'a gap where media was', [before, { ...before, segments: { 12: { gap: true } } }]],
  [
    'U3',
    'another key for a number',
    [before, { ...before, segments: { 12: { tags: ['#EXT-X-KEY:METHOD=AES-128,URI="k"'] } } }],
  ],
  [
    'U3',
    'another URI for a number that had left the list, long ago',
    [
      before,
      { from: 20, to: 24, segments: { 20: cut }, at: 57_000 },
      { from: 14, to: 24, segments: { 14: { uri: 'other.ts' }, 20: cut } },
    ],
  ],
  ['U4', 'a segment goes from the middle', [before, { from: 10, to: 14, segments: { 12: { left: true } } }]],
  ['U4', 'a segment goes from the end', [before, { from: 10, to: 13 }]],
  ['U5', 'too little is left', [before, { from: 13, to: 14 }]],
  [
    'U5',
    'a stretch opens too short',
    [
      { ...before, at: 0 },
      { from: 20, to: 21, segments: { 20: cut }, at: 2000 },
    ],
  ],
  [
    'U6',
    'a discontinuity leaves uncounted',
    [
      { from: 10, to: 14, segments: { 10: cut } },
      { from: 11, to: 15 },
    ],
  ],
  [
    'U6',
    'a discontinuity is counted while it is listed',
    [
      { from: 10, to: 14, segments: { 11: cut } },
      { from: 11, to: 15, segments: { 11: cut }, discontinuitySequence: 1 },
    ],
  ],
  ['U6', 'a discontinuity goes while its segment stays', [{ ...before, segments: { 12: cut } }, before]],
  ['U6', 'a discontinuity comes to an old segment', [before, { ...before, segments: { 12: cut } }]],
  [
    'U6',
    'the discontinuity sequence falls',
    [
      { ...before, discontinuitySequence: 3 },
      { from: 20, to: 24, segments: { 20: cut }, discontinuitySequence: 2, at: 57_000 },
    ],
  ],
  [
    'U6',
    'a stretch opens without a tag',
    [
      { ...before, at: 0 },
      { from: 20, to: 24, at: 2000 },
    ],
  ],
  ['U6', 'one segment is skipped without a tag', [before, { from: 16, to: 20, at: 58_000 }]],
  ['U7', 'a playlist type', alone(insertBefore('#EXT-X-TARGET', '#EXT-X-PLAYLIST-TYPE:EVENT'))],
  ['U9', 'an end', alone((text) => `${text}#EXT-X-ENDLIST\n`)],
  ['U10', 'the last line is cut', alone((text) => text.slice(0, -3))],
  ['U10', 'the last URI is missing', alone((text) => text.replace(`${uriOf(4)}\n`, ''))],
  ['U10', 'another length', withHeaders({ 'Content-Length': '7' })],
  ['empty', 'no segment', alone((text) => text.slice(0, text.indexOf('#EXT-X-PROGRAM')))],
  ['cache-control', 'none', withHeaders({ 'Cache-Control': null })],
  ['cache-control', 'too long', withHeaders({ 'Cache-Control': 'max-age=3' })],
  ['cache-control', 'too long in shared caches', withHeaders({ 'Cache-Control': 'max-age=1, s-maxage=3' })],
  ['cache-control', 'immutable', withHeaders({ 'Cache-Control': 'max-age=1, immutable' })],
  ['etag', 'none', withHeaders({ ETag: null })],
  ['etag', 'not quoted', withHeaders({ ETag: 'abc' })],
  [
    'etag',
    'one for two texts',
    [
      { ...before, headers: { ETag: '"a"' } },
      { from: 11, to: 15, headers: { ETag: '"a"' } },
    ],
  ],
  [
    'hls-parser',
    'a date range without ID',
    withSegment({ tags: ['#EXT-X-DATERANGE:START-DATE="2026-11-23T20:00:00.000Z"'] }),
  ],
];

describe('a planted violation is found, under its name alone', () => {
  test.each(planted)('%s: %s', (rule, _, plans) => {
    expect(rulesIn(plans)).toEqual([rule]);
  });

  test('the replies before the planted one keep all rules', () => {
    for (const [, , plans] of planted) expect(findIn(plans.slice(0, -1))).toEqual([]);
  });

  test('U1 to the letter, where it is asked for', () => {
    const raise = good['the target duration rises with the segment that is longer']!;
    expect(rulesIn(raise, { targetRaiseAllowed: false })).toEqual(['U1']);
  });
});

/** A control node of a few lines: a list, and segments that can be spoilt or taken away. */
class Origin {
  plan: Plan = { from: 10, to: 14 };
  status = 200;
  now = 0;
  readonly asked: string[] = [];
  /** What a segment's answer is like where it is not sound. */
  readonly spoilt = new Map<number, { status?: number; headers?: Record<string, string>; body?: string }>();
  readonly gone = new Set<number>();

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { pathname } = new URL(url);
    this.asked.push(`${init.method} ${pathname}`);
    if (pathname === '/live/camera-0/index.m3u8') return this.#playlist();
    const sequence = Number(/^\/m\/camera-0\/main\/(\d+)-abc\.ts$/.exec(pathname)?.[1]);
    return this.#segment(sequence, init.method === 'HEAD');
  };

  prober(options: Partial<ProberOptions> = {}): Prober {
    const url = 'http://control/live/camera-0/index.m3u8';
    return new Prober({ url, fetch: this.fetch, now: () => this.now, ...options });
  }

  #playlist(): Response {
    if (this.status === 0) throw new TypeError('fetch failed');
    if (this.status !== 200) return new Response('{}', { status: this.status });
    const text = printPlan(this.plan);
    return new Response(text, { headers: headersOf(this.plan, text) });
  }

  #segment(sequence: number, head: boolean): Response {
    const { status, headers, body = 'G a segment' } = this.spoilt.get(sequence) ?? {};
    if (this.gone.has(sequence)) return new Response('{}', { status: 404 });
    return new Response(head ? null : body, {
      status: status ?? 200,
      headers: {
        'Content-Type': 'video/mp2t',
        'Content-Length': String(body.length),
        'Cache-Control': 'public, max-age=600, immutable',
        ETag: `"${sequence}"`,
        ...headers,
      },
    });
  }
}

const rulesOf = (prober: Prober) => prober.violations.map(({ rule, reply }) => `${rule} at ${reply}`);

describe('a prober', () => {
  test('fetches each new segment once and at once, and no gap', async () => {
    const origin = new Origin();
    const prober = origin.prober();
    await prober.poll();
    expect(origin.asked).toHaveLength(6);
    origin.plan = { from: 11, to: 16, segments: { 16: { gap: true } } };
    await prober.poll();
    expect(origin.asked.slice(6)).toEqual([
      'GET /live/camera-0/index.m3u8',
      'GET /m/camera-0/main/15-abc.ts',
    ]);
    expect(prober.violations).toEqual([]);
    expect(prober.answers).toEqual({ 200: 2 });
  });

  test.each([
    ['A1', { status: 404 }],
    ['A1', { status: 503 }],
    ['A1', { headers: { 'Content-Length': '5' } }],
    ['A1', { headers: { 'Content-Encoding': 'identity' } }],
    ['C5', { body: '<html>' }],
    ['C5', { body: '' }],
    ['media-headers', { headers: { 'Content-Type': 'text/html' } }],
    ['media-headers', { headers: { 'Cache-Control': 'max-age=600' } }],
    ['media-headers', { headers: { 'Cache-Control': 'immutable' } }],
    ['media-headers', { headers: { ETag: 'W/"weak"' } }],
  ])('finds %s in a segment that answers %o', async (rule, spoilt) => {
    const origin = new Origin();
    origin.spoilt.set(12, spoilt);
    const prober = origin.prober();
    await prober.poll();
    expect(rulesOf(prober)).toEqual([`${rule} at 1`]);
  });

  test('finds a segment that cannot be reached', async () => {
    const origin = new Origin();
    const prober = origin.prober({
      fetch: (url, init) =>
        url.includes('/12-') ? Promise.reject(new Error('reset')) : origin.fetch(url, init),
    });
    await prober.poll();
    expect(rulesOf(prober)).toEqual(['A1 at 1']);
  });

  test('speaks HTTP', async () => {
    const origin = new Origin();
    const server = createServer(async (request, response) => {
      const answer = await origin.fetch(`http://control${request.url}`, { method: request.method ?? 'GET' });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const prober = new Prober({ url: `http://127.0.0.1:${port}/live/camera-0/index.m3u8` });
      await prober.poll();
      origin.plan = { from: 11, to: 15 };
      await prober.poll();
      await prober.checkRemoved();
      expect(prober.violations).toEqual([]);
      expect(prober.answers).toEqual({ 200: 2 });
      expect(origin.asked.at(-1)).toBe('HEAD /m/camera-0/main/10-abc.ts');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Slides by a segment every four seconds; `goneAfter` is how long a removed segment stays. */
  async function watchRemovals(
    goneAfter: number,
    polls: number,
  ): Promise<{ origin: Origin; prober: Prober }> {
    const origin = new Origin();
    const prober = origin.prober();
    for (let poll = 0; poll < polls; poll++) {
      origin.now = poll * 2000;
      const from = 10 + Math.floor(poll / 2);
      origin.plan = { from, to: from + 4 };
      // Segment n leaves the list at (n - 9) x 4 s.
      for (let n = 10; n < from; n++) if (origin.now > (n - 9) * 4000 + goneAfter) origin.gone.add(n);
      await prober.poll();
    }
    return { origin, prober };
  }

  test('asks for a removed segment shortly before it may go, and finds it there', async () => {
    const { origin, prober } = await watchRemovals(24_000, 30);
    expect(prober.violations).toEqual([]);
    expect(prober.observations).toEqual([]);
    expect(origin.asked.filter((one) => one.startsWith('HEAD')).slice(0, 2)).toEqual([
      'HEAD /m/camera-0/main/10-abc.ts',
      'HEAD /m/camera-0/main/11-abc.ts',
    ]);
  });

  test('finds A2 where a removed segment goes too early', async () => {
    const { prober } = await watchRemovals(12_000, 20);
    expect(new Set(prober.violations.map(({ rule }) => rule))).toEqual(new Set(['A2']));
  });

  test('asks at the end for those that must still be there', async () => {
    const { origin, prober } = await watchRemovals(24_000, 6);
    expect(origin.asked.some((one) => one.startsWith('HEAD'))).toBe(false);
    origin.gone.add(10);
    origin.spoilt.set(11, { headers: { ETag: '"another"' } });
    await prober.checkRemoved();
    expect(rulesOf(prober)).toEqual(['A2 at 6', 'A2 at 6']);
  });

  test('does not blame what it asks for too late', async () => {
    const origin = new Origin();
    const prober = origin.prober();
    await prober.poll();
    origin.plan = { from: 11, to: 15 };
    origin.now = 4000;
    await prober.poll();
    origin.gone.add(10);
    origin.now = 100_000;
    await prober.poll();
    expect(prober.violations).toEqual([]);
    expect(prober.observations[0]?.detail).toContain('A2 was not checked');
  });

  test('compares replies with all before them', async () => {
    const origin = new Origin();
    const prober = origin.prober();
    await prober.poll();
    origin.plan = { from: 9, to: 14 };
    await prober.poll();
    expect(rulesOf(prober)).toEqual(['U3 at 2']);
  });

  test('sees a BOM', async () => {
    const origin = new Origin();
    origin.plan = { ...origin.plan, edit: (text) => `\uFEFF${text}` };
    const prober = origin.prober();
    await prober.poll();
    expect(rulesOf(prober)).toEqual(['P2 at 1']);
  });

  test('notes a playlist that does not answer, and blames it where it must', async () => {
    const origin = new Origin();
    const patient = origin.prober();
    const strict = origin.prober({ mustAnswer200: true });
    for (const status of [503, 0, 200]) {
      origin.status = status;
      await patient.poll();
      await strict.poll();
    }
    expect(patient.violations).toEqual([]);
    expect(patient.answers).toEqual({ 503: 1, error: 1, 200: 1 });
    expect(patient.observations.map(({ detail }) => detail)).toEqual([
      'the playlist answered 503',
      'the playlist answered error: TypeError: fetch failed',
    ]);
    expect(rulesOf(strict)).toEqual(['answer at 1', 'answer at 2']);
  });

  test('runs until it is told to stop', async () => {
    const origin = new Origin();
    const stop = new AbortController();
    const waits: number[] = [];
    const sleep = async (ms: number) => {
      waits.push(ms);
      if (waits.length === 3) stop.abort();
    };
    const prober = origin.prober({ sleep });
    await prober.run({ everyMs: 2000, signal: stop.signal });
    expect(waits).toEqual([2000, 2000, 2000]);
    expect(prober.answers).toEqual({ 200: 3 });
  });
});

describe('C3, where it is asked for', () => {
  /** One transport packet that begins a PES packet with this PTS. */
  function packet(seconds: number, stream: number): Uint8Array {
    const pts = Math.round(seconds * 90_000);
    const bytes = new Uint8Array(188).fill(0xff);
    bytes.set([0x47, 0x41, 0x00, 0x10, 0, 0, 1, stream, 0, 0, 0x80, 0x80, 5]);
    bytes.set(
      [
        0x21 | (Math.floor(pts / 2 ** 30) << 1),
        (pts >> 22) & 0xff,
        ((pts >> 14) & 0xfe) | 1,
        (pts >> 7) & 0xff,
        ((pts << 1) & 0xfe) | 1,
      ],
      13,
    );
    return bytes;
  }

  test('reads where the video begins, B-frames and audio before it or not', () => {
    const body = Buffer.concat([packet(9.5, 0xc0), packet(10.1, 0xe0), packet(10, 0xe0), packet(10.2, 0xe0)]);
    expect(firstTimestamp(body)).toBe(10);
    expect(firstTimestamp(packet(90_000.5, 0xe0))).toBeCloseTo(90_000.5);
    expect(firstTimestamp(packet(9.5, 0xc0))).toBe(9.5);
    expect(firstTimestamp(new Uint8Array(376))).toBeUndefined();
  });

  test.each([
    [10, 4, 14, 0],
    [10, 4, 14.4, 0],
    [10, 4, 10, 1],
    [10, 4, 16, 1],
    [95_440, 4, 0.28, 0],
    [95_440, 4, 3, 1],
  ])('from %d s over %d s to %d s: %d findings', (from, duration, to, findings) => {
    expect(checkContinues(from, duration, to)).toHaveLength(findings);
  });

  test('a segment whose time begins again needs a discontinuity', async () => {
    const text = (seconds: number) => String.fromCharCode(...packet(seconds, 0xe0));
    const origin = new Origin();
    const fetch = async (url: string, init: RequestInit) => {
      const sequence = Number(/(\d+)-abc/.exec(url)?.[1]);
      if (Number.isNaN(sequence)) return origin.fetch(url, init);
      const restarted = sequence >= 13 ? 0 : sequence;
      const body = Uint8Array.from(text(restarted * 4), (one) => one.charCodeAt(0));
      const { headers } = await origin.fetch(url, { method: 'HEAD' });
      headers.set('Content-Length', '188');
      return new Response(body, { headers });
    };
    const prober = origin.prober({ fetch, timestamps: true });
    origin.plan = { from: 10, to: 13 };
    await prober.poll();
    expect(rulesOf(prober)).toEqual(['C3 at 1']);
    origin.plan = { from: 10, to: 13, segments: { 13: cut } };
    const content = origin.prober({ fetch, timestamps: true });
    await content.poll();
    expect(content.violations).toEqual([]);
  });
});

describe('a ladder', () => {
  const variant = (attributes: string) => `#EXT-X-STREAM-INF:${attributes}\nlow.m3u8\n`;
  const sound = (attributes: string) => `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",${attributes},URI="a.m3u8"\n`;
  test.each([
    ['V1', variant('CODECS="avc1"')],
    ['V1', '#EXT-X-STREAM-INF:BANDWIDTH=1\n'],
    ['V3', variant('BANDWIDTH=1,AUDIO="a"')],
    ['V3', `${sound('NAME="x"')}${sound('NAME="x"')}${variant('BANDWIDTH=1,AUDIO="a"')}`],
    ['V3', `${sound('NAME="x",DEFAULT=YES')}${sound('NAME="y",DEFAULT=YES')}${variant('BANDWIDTH=1')}`],
    ['V3', `${sound('NAME="x",DEFAULT=YES,AUTOSELECT=NO')}${variant('BANDWIDTH=1')}`],
  ])('that breaks %s is told of', (rule, text) => {
    expect(checkLadder(`#EXTM3U\n${text}`).map((finding) => finding.rule)).toEqual([rule]);
  });

  test('that keeps all of them is not', () => {
    const text = `#EXTM3U\n${sound('NAME="x",DEFAULT=YES')}${variant('BANDWIDTH=1,AUDIO="a",CLOSED-CAPTIONS=NONE')}`;
    expect(checkLadder(text)).toEqual([]);
  });
});
