import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MediaPlaylist, MediaPlaylistSegment } from '../../hls/media-playlist.ts';
import type { EncoderSegment } from '../../media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../media/units.ts';
import { freshSegments, type Intake } from './fresh-segments.ts';
import type { Sighting } from './open-segment.ts';

/** A file as the model knows it: which life of the encoder wrote it, as which of its segments, and when. */
type File = { readonly life: number; readonly sequence: number; readonly modifiedAt: number };
/** A playlist, and which life of the encoder wrote it. */
type Text = { readonly life: number; readonly playlist: MediaPlaylist };

/** All files are equally long: only their times tell them apart. */
const LENGTH = bytes(1880);
/** So many segments the edge's window holds. */
const WINDOW = 12;
const BOOT = 1_800_000_000_000;

/** A folder with an encoder that writes into it, a file a second. */
class ModelEncoder {
  readonly folder = new Map<string, File>();
  readonly texts: Text[] = [];
  life = 0;
  #newNames = false;
  #next = 0;
  #written = 0;
  #list: MediaPlaylistSegment[] = [];

  constructor(
    private readonly listSize: number,
    private readonly deletes: boolean,
  ) {}

  make(): void {
    const sequence = this.#next++;
    const uri = this.#newNames ? `life-${this.life}-${sequence}.ts` : `cam-${sequence}.ts`;
    const modifiedAt = BOOT + 1000 * ++this.#written;
    this.folder.set(uri, { life: this.life, sequence, modifiedAt });
    this.#list.push(entry(sequence, uri));
    if (this.#list.length > this.listSize) {
      const left = this.#list.shift()!;
      if (this.deletes) this.folder.delete(left.uri);
    }
    this.texts.push({ life: this.life, playlist: playlistOf([...this.#list]) });
  }

  restart(newNames: boolean): void {
    this.life += 1;
    this.#newNames = newNames;
    this.#next = 0;
    this.#list = [];
  }

  look = async (segment: MediaPlaylistSegment): Promise<Sighting | undefined> => {
    const file = this.folder.get(segment.uri);
    return file && { bytes: LENGTH, modifiedAt: epochMs(file.modifiedAt) };
  };
}

const entry = (sequence: number, uri: string): MediaPlaylistSegment => ({
  line: 0,
  sequence,
  uri,
  duration: seconds(1),
  discontinuity: false,
  gap: false,
  tags: [],
});

const playlistOf = (segments: readonly MediaPlaylistSegment[]): MediaPlaylist => ({
  mediaSequence: segments[0]?.sequence ?? 0,
  discontinuitySequence: 0,
  endList: false,
  segments,
});

/** The least that an edge remembers. */
class ModelEdge {
  readonly taken: File[] = [];
  /** The encoder's lives that it opened a run for. */
  readonly runs: number[] = [];
  newest = -1;
  #segments = new Map<number, EncoderSegment>();
  #window: EncoderSegment[] = [];
  #staleInARow = 0;
  #newestModifiedAt = 0;

  async post({ life, playlist }: Text, encoder: ModelEncoder): Promise<{ intake: Intake; got: File[] }> {
    const known = {
      ...(this.runs.length > 0 && {
        run: { newest: this.newest, segments: this.#segments, ended: false },
      }),
      wasTaken: (name: string, seen: Sighting) =>
        this.#window.some((was) => was.name === name && was.modifiedAt === seen.modifiedAt),
      newestModifiedAt: this.#newestModifiedAt,
      staleInARow: this.#staleInARow,
    };
    const intake = await freshSegments(known, playlist.segments, encoder.look);
    if (intake.kind === 'stale') this.#staleInARow += 1;
    if (intake.kind === 'nothing' || intake.kind === 'stale') return { intake, got: [] };
    this.#staleInARow = 0;
    if (intake.kind === 'run') {
      // An old playlist that names a file which was written anew opens the run of who wrote it.
      this.runs.push(encoder.folder.get(intake.fresh[0]!.uri)?.life ?? life);
      this.#segments = new Map();
    }
    const got = intake.fresh.flatMap((fresh) => this.#take(fresh, encoder.folder.get(fresh.uri)));
    return { intake, got };
  }

  #take(fresh: MediaPlaylistSegment, file: File | undefined): File[] {
    this.newest = fresh.sequence;
    const was: EncoderSegment = {
      sequence: fresh.sequence,
      name: fresh.uri,
      bytes: bytes(file ? LENGTH : 0),
      modifiedAt: epochMs(file?.modifiedAt ?? 0),
      targetDuration: 1,
    };
    this.#segments.set(fresh.sequence, was);
    this.#window.push(was);
    if (this.#window.length > WINDOW) {
      const fallen = this.#window.shift()!;
      if (this.#segments.get(fallen.sequence) === fallen) this.#segments.delete(fallen.sequence);
    }
    if (file === undefined) return [];
    this.#newestModifiedAt = Math.max(this.#newestModifiedAt, file.modifiedAt);
    this.taken.push(file);
    return [file];
  }
}

type Step =
  /** A segment; its post arrives or is lost. */
  | { readonly does: 'make'; readonly arrives: boolean }
  /** The newest playlist that arrived comes once more. */
  | { readonly does: 'again' }
  /** One of those before it comes late. */
  | { readonly does: 'late'; readonly back: number }
  | { readonly does: 'restart'; readonly newNames: boolean };

const steps = (late: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ does: fc.constant('make' as const), arrives: fc.boolean() }) },
      { weight: 4, arbitrary: fc.constant({ does: 'make' as const, arrives: true }) },
      { weight: 1, arbitrary: fc.constant({ does: 'again' as const }) },
      {
        weight: late ? 2 : 0,
        arbitrary: fc.record({ does: fc.constant('late' as const), back: fc.nat(15) }),
      },
      { weight: 1, arbitrary: fc.record({ does: fc.constant('restart' as const), newNames: fc.boolean() }) },
    ),
    { maxLength: 60, size: 'max' },
  );

type Post = Text & { readonly late: boolean; readonly intake: Intake; readonly got: readonly File[] };

/**
 * Plays the steps, and tells each post. So few posts are lost in a row that the next one still names all that
 * they named, at most two come late in a row, and none comes late between two restarts of which nothing was
 * heard: what is beyond that cannot be told from a new encoder. Nor can, once in some thousand scripts, an old list
 * whose files are gone and whose numbers by chance follow those of an encoder that uses its names again.
 */
async function play(
  script: readonly Step[],
  options: { readonly listSize: number; readonly deletes: boolean },
  check: (post: Post, edge: ModelEdge, newestBefore: number) => void,
): Promise<void> {
  const encoder = new ModelEncoder(options.listSize, options.deletes);
  const edge = new ModelEdge();
  let newestArrived = -1;
  let lost = 0;
  let unheardLives = 0;
  let lateInARow = 0;
  const post = async (index: number, late: boolean) => {
    const text = encoder.texts[index];
    if (text === undefined) return;
    const before = edge.newest;
    check({ ...text, late, ...(await edge.post(text, encoder)) }, edge, before);
  };
  for (const step of script) {
    if (step.does === 'restart') {
      encoder.restart(step.newNames);
      lost = 0;
      unheardLives += 1;
    } else if (step.does !== 'make' && unheardLives > 1) continue;
    else if (step.does === 'again') await post(newestArrived, true);
    else if (step.does === 'late') {
      if (lateInARow++ < 2) await post(newestArrived - 1 - step.back, true);
    } else {
      encoder.make();
      if (!step.arrives && ++lost < options.listSize) continue;
      lost = 0;
      unheardLives = 0;
      lateInARow = 0;
      newestArrived = encoder.texts.length - 1;
      await post(newestArrived, false);
    }
  }
}

const options = fc.record({ listSize: fc.integer({ min: 1, max: 12 }), deletes: fc.boolean() });

const arrived = { does: 'make', arrives: true } as const;
const lost = { does: 'make', arrives: false } as const;
const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step);

/** What chance would rarely find: the first posts of a restarted encoder are lost, as many as its list is long. */
const examples = ([false, true] as const).map(
  (newNames): [Step[], { listSize: number; deletes: boolean }] => [
    [...times(15, arrived), { does: 'restart', newNames }, ...times(11, lost), ...times(3, arrived)],
    { listSize: 12, deletes: false },
  ],
);

const eachPost = (late: boolean, check: (post: Post, edge: ModelEdge, newestBefore: number) => void) =>
  fc.assert(
    fc.asyncProperty(steps(late), options, (script, how) => play(script, how, check)),
    // One seed: among many thousands there are some of the few old playlists that nothing can tell from new ones.
    { seed: 20_261_123, numRuns: 400, examples },
  );

describe('while posts are lost and repeated, but none comes late', () => {
  test('no file is ever taken twice', () =>
    eachPost(false, (_, edge) => expect(new Set(edge.taken).size).toBe(edge.taken.length)));

  test('every readable segment that a playlist names is taken', () =>
    eachPost(false, ({ life, playlist, late }, edge) => {
      if (late) return;
      const had = new Set(edge.taken.filter((file) => file.life === life).map((file) => file.sequence));
      const missed = playlist.segments.map(({ sequence }) => sequence).filter((one) => !had.has(one));
      expect(missed).toEqual([]);
    }));

  test('each life of the encoder that is heard of opens one run, and nothing else does', () =>
    eachPost(false, ({ life, late }, edge) => {
      expect(edge.runs).toEqual([...new Set(edge.runs)].sort((a, b) => a - b));
      if (!late) expect(edge.runs.at(-1)).toBe(life);
    }));
});

describe('while playlists also come late', () => {
  test('no file is ever taken twice', () =>
    eachPost(true, (_, edge) => expect(new Set(edge.taken).size).toBe(edge.taken.length)));

  test('a playlist that comes late opens no run, but for a file that is new', () =>
    eachPost(true, ({ late, intake }, edge) => {
      if (late && intake.kind === 'run')
        expect(Math.max(-1, ...edge.runs.slice(0, -1))).toBeLessThan(edge.runs.at(-1)!);
    }));

  test('what is taken in a run is of the life that opened it, under its own number', () =>
    eachPost(true, ({ intake, got }, edge) => {
      expect(got.filter((file) => file.life !== edge.runs.at(-1))).toEqual([]);
      if ('fresh' in intake)
        expect(got.every((file) => intake.fresh.some(({ sequence }) => sequence === file.sequence))).toBe(
          true,
        );
    }));

  test('numbers inside a run follow the encoder’s, one after the other', () =>
    eachPost(true, ({ intake }, _, newestBefore) => {
      if (!('fresh' in intake)) return;
      const numbers = intake.fresh.map(({ sequence }) => sequence);
      const first =
        intake.kind === 'continue' ? newestBefore + 1 + intake.skipped : intake.fresh[0]!.sequence;
      expect(numbers).toEqual(numbers.map((_, index) => first + index));
    }));
});

test('a playlist without segments adds nothing', async () => {
  const encoder = new ModelEncoder(5, false);
  const { intake } = await new ModelEdge().post({ life: 0, playlist: playlistOf([]) }, encoder);
  expect(intake).toEqual({ kind: 'nothing' });
});

describe('a file of many segments', () => {
  const LONG = bytes(1_000);
  const part = (sequence: number, place = sequence) => ({
    ...entry(sequence, 'cam.mp4'),
    range: { offset: place * LONG, length: LONG },
  });
  const encoderSegment = (sequence: number): EncoderSegment => ({
    sequence,
    name: `cam.mp4#${sequence * LONG}+${LONG}`,
    bytes: LONG,
    modifiedAt: epochMs(0),
    targetDuration: 2,
  });
  const known = {
    run: {
      newest: 5,
      segments: new Map([0, 1, 2, 3, 4, 5].map((sequence) => [sequence, encoderSegment(sequence)])),
      ended: false,
    },
    wasTaken: () => true,
    newestModifiedAt: 0,
    staleInARow: 0,
  };
  const fileOf = (segments: number) => async (): Promise<Sighting> => ({
    bytes: LONG,
    modifiedAt: epochMs(0),
    fileBytes: bytes(segments * LONG),
  });

  test('that is shorter than it was is that of an encoder that began anew, whatever was taken from its places', async () => {
    const intake = await freshSegments(known, [part(0), part(1)], fileOf(2));
    expect(intake).toEqual({ kind: 'run', fresh: [part(0), part(1)], rewrote: 'cam.mp4' });
  });

  test('may be listed with numbers that do not slide: its newest place tells them', async () => {
    const wasTaken = (name: string) => name !== `cam.mp4#${6 * LONG}+${LONG}`;
    const intake = await freshSegments(
      { ...known, wasTaken },
      [part(0, 4), part(1, 5), part(2, 6)],
      fileOf(7),
    );
    expect(intake).toEqual({ kind: 'continue', skipped: 0, fresh: [part(6)] });
  });
});
