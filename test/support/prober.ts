import { millis } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { checkBeginning, checkContinues, checkMedia, firstTimestamp } from './prober-media.ts';
import { asPlayed } from './prober-needs.ts';
import { type ProbedPlaylist, type ProbedSegment, playlistDuration } from './prober-playlist.ts';
import { checkReply, checkUpdate, type Finding, History } from './prober-rules.ts';

export type Violation = Finding & {
  /** Which poll it was, counted from 1. */
  readonly reply: number;
};

/** Something to know that breaks no rule. */
export type Observation = { readonly reply: number; readonly at: number; readonly detail: string };

export type ProberOptions = {
  /** Of a live media playlist. */
  readonly url: string;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since any start; never goes back. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Whether LiveMix's own exception to U1 holds. Default true; false asks for U1 to the letter. */
  readonly targetRaiseAllowed?: boolean;
  /** A playlist that answers anything but 200 is a violation (`answer`), not an observation. */
  readonly mustAnswer200?: boolean;
  /** Also C3: that timestamps continue across segments. */
  readonly timestamps?: boolean;
};

/** A segment that was listed once. */
type Listed = {
  readonly url: string;
  readonly segment: ProbedSegment;
  /** When the last reply that lists it was asked for: it was removed no earlier. */
  lastListedAt: number;
  /** Milliseconds of the longest playlist it was seen in. */
  longest: number;
  removed: boolean;
  etag: string | null;
  timestamp: number | undefined;
};

/** Longer than a playlist may be held. */
const PATIENCE_MS = 20_000;

/**
 * Watches a live playlist as a suspicious player would and notes every rule it breaks (`hls-rules.md`), over its
 * whole life: each reply alone, against all before it, and every segment the moment it is listed and again
 * shortly before it may go.
 */
export class Prober {
  readonly violations: Violation[] = [];
  readonly observations: Observation[] = [];
  /** How often the playlist answered what: a status, or `error` where there was no answer. */
  readonly answers: Record<string, number> = {};
  /** The last playlist that was read. */
  playlist: ProbedPlaylist | undefined;

  readonly #options: ProberOptions;
  readonly #fetch: NonNullable<ProberOptions['fetch']>;
  readonly #now: () => number;
  readonly #sleep: NonNullable<ProberOptions['sleep']>;
  readonly #listed = new Map<number, Listed>();
  readonly #history = new History();
  #polls = 0;
  #polledAt: number | undefined;

  constructor(options: ProberOptions) {
    const clock = new SystemClock();
    this.#options = options;
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#now = options.now ?? (() => clock.monotonic());
    this.#sleep = options.sleep ?? ((ms, signal) => clock.sleep(millis(ms), signal));
  }

  /** Polls until the signal, beginning one poll every `everyMs`. */
  async run({ everyMs, signal }: { readonly everyMs: number; readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      const startedAt = this.#now();
      await this.poll(signal);
      await this.#sleep(Math.max(0, everyMs - (this.#now() - startedAt)), signal);
    }
  }

  /** One reload of the playlist, and all that it gives to check. */
  async poll(signal?: AbortSignal): Promise<void> {
    this.#polls++;
    const askedAt = this.#now();
    const untilNext = this.#polledAt === undefined ? 0 : askedAt - this.#polledAt;
    this.#polledAt = askedAt;
    const answer = await this.#get(this.#options.url, 'GET', signal);
    if (signal?.aborted) return;
    this.#count(answer);
    if ('status' in answer && answer.status === 200) await this.#read(answer, askedAt, signal);
    // A poll as long after this one as this is after the last may come too late.
    await this.#checkRemoved((deadline) => this.#now() + 1.5 * untilNext >= deadline, signal);
  }

  /** Asks now for every segment that was removed and must still be there (A2). For the end of a test. */
  checkRemoved(): Promise<void> {
    return this.#checkRemoved(() => true);
  }

  #note(findings: readonly Finding[]): void {
    for (const finding of findings) this.violations.push({ ...finding, reply: this.#polls });
  }

  #observe(detail: string): void {
    this.observations.push({ reply: this.#polls, at: this.#now(), detail });
  }

  #count(answer: Answer): void {
    const name = 'status' in answer ? String(answer.status) : 'error';
    this.answers[name] = (this.answers[name] ?? 0) + 1;
    if (name === '200') return;
    const detail = `the playlist answered ${name}${'error' in answer ? `: ${answer.error}` : ''}`;
    if (this.#options.mustAnswer200) this.#note([{ rule: 'answer', detail }]);
    else this.#observe(detail);
  }

  async #read(answer: Answered, askedAt: number, signal: AbortSignal | undefined): Promise<void> {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(answer.body);
    const encoded = answer.headers.get('content-encoding') !== null;
    const { playlist, findings } = checkReply(text, answer.headers, encoded ? undefined : answer.body.length);
    this.#note(findings);
    if (Number.isNaN(playlist.mediaSequence + playlist.discontinuitySequence)) return;
    const reply = { playlist, etag: answer.headers.get('etag'), at: askedAt };
    this.#note(checkUpdate(this.#history, reply, this.#options));
    this.#history.add(reply);
    this.playlist = playlist;
    await this.#follow(playlist, askedAt, signal);
  }

  /** Keeps account of what is listed, and fetches at once what is new (A1). */
  async #follow(playlist: ProbedPlaylist, at: number, signal: AbortSignal | undefined): Promise<void> {
    const longest = playlistDuration(playlist) * 1000;
    const now = new Set(playlist.segments.map((segment) => segment.sequence));
    for (const [sequence, listed] of this.#listed) listed.removed = !now.has(sequence);
    const fresh: Listed[] = [];
    for (const segment of playlist.segments) {
      if (segment.gap) continue;
      const known = this.#listed.get(segment.sequence);
      if (known !== undefined) {
        known.lastListedAt = at;
        known.longest = Math.max(known.longest, longest);
        continue;
      }
      const url = new URL(segment.uri, this.#options.url).href;
      const one = {
        url,
        segment,
        lastListedAt: at,
        longest,
        removed: false,
        etag: null,
        timestamp: undefined,
      };
      this.#listed.set(segment.sequence, one);
      fresh.push(one);
    }
    await Promise.all(fresh.map((listed) => this.#fetchMedia(listed, signal)));
    if (this.#options.timestamps) this.#checkTimestamps(fresh);
  }

  async #fetchMedia(listed: Listed, signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#get(listed.url, 'GET', signal);
    if (signal?.aborted) return;
    const { uri } = listed.segment;
    if (!('status' in answer)) return this.#note([{ rule: 'A1', detail: `${uri}: ${answer.error}` }]);
    listed.etag = answer.headers.get('etag');
    this.#note(checkMedia({ uri, ...answer }));
    const clear = await asPlayed(listed.segment, answer.body, (needed) =>
      this.#readBeside(new URL(needed, this.#options.url).href, signal),
    );
    if (signal?.aborted) return;
    this.#note(clear.findings);
    if (clear.body === undefined || answer.status !== 200) return;
    this.#note(checkBeginning(uri, clear.body));
    if (this.#options.timestamps) listed.timestamp = firstTimestamp(clear.body);
  }

  async #readBeside(url: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const answer = await this.#get(url, 'GET', signal);
    return 'status' in answer && answer.status === 200 ? answer.body : undefined;
  }

  #checkTimestamps(fresh: readonly Listed[]): void {
    for (const { segment, timestamp } of fresh) {
      const before = this.#listed.get(segment.sequence - 1);
      if (segment.discontinuity || timestamp === undefined || before?.timestamp === undefined) continue;
      this.#note(checkContinues(before.timestamp, before.segment.duration, timestamp));
    }
  }

  /**
   * A2 in the form of RFC 8216 §6.2.2: after its removal a segment stays for its own duration and that of the
   * longest playlist it was in. Removal counts from the last reply that lists it, so nothing is asked too late.
   */
  async #checkRemoved(isDue: (deadline: number) => boolean, signal?: AbortSignal): Promise<void> {
    const due: Listed[] = [];
    for (const [sequence, listed] of this.#listed) {
      if (!listed.removed) continue;
      const deadline = listed.lastListedAt + listed.segment.duration * 1000 + listed.longest;
      if (!isDue(deadline)) continue;
      this.#listed.delete(sequence);
      if (this.#now() <= deadline) due.push(listed);
      else this.#observe(`A2 was not checked for ${listed.segment.uri}: the poll came too late`);
    }
    await Promise.all(due.map((listed) => this.#checkStays(listed, signal)));
  }

  async #checkStays({ url, segment, etag }: Listed, signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#get(url, 'HEAD', signal);
    if (signal?.aborted) return;
    const says = 'status' in answer ? String(answer.status) : answer.error;
    if (says !== '200') {
      this.#note([{ rule: 'A2', detail: `${segment.uri} answered ${says} before it may go` }]);
    } else if ('headers' in answer && answer.headers.get('etag') !== etag) {
      this.#note([{ rule: 'A2', detail: `${segment.uri} has another ETag than when it was listed` }]);
    }
  }

  async #get(url: string, method: 'GET' | 'HEAD', signal: AbortSignal | undefined): Promise<Answer> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      const response = await this.#fetch(url, {
        method,
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      });
      const body = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      return { error: String(error) };
    }
  }
}

type Answered = { readonly status: number; readonly headers: Headers; readonly body: Uint8Array };
type Answer = Answered | { readonly error: string };
