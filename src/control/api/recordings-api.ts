import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CatalogRecording } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { epochMs } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { StoreFailed } from '../../store/object-store.ts';
import type { EdgeLinks } from '../edges/edge-links.ts';
import { parseSpan } from '../recordings/parse-span.ts';
import type { RecordedSegments } from '../recordings/recorded-segments.ts';
import type { PageAsked, RecordingPage } from '../recordings/recording-page.ts';
import { type RecordingView, recordingView } from '../recordings/recording-view.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { VerifyProgress } from '../recordings/verify.ts';
import type { Source } from '../sources/source.ts';
import type { Sources } from '../sources/sources.ts';

export type RecordingsApiParts = {
  readonly sources: Sources;
  readonly links: EdgeLinks;
  readonly recordings: Recordings;
  readonly recorded: RecordedSegments;
  readonly remove: (id: string) => Promise<void>;
  readonly verify: (recording: CatalogRecording) => AsyncIterable<VerifyProgress>;
  readonly clock: Clock;
};

const MAX_TITLE = 200;
const title = z
  .string()
  .max(MAX_TITLE)
  .regex(/^[^\u0000-\u001f\u007f]*$/);
const time = z.string().max(64);
const beginning = z.strictObject({
  source: z.string(),
  from: time.nullish(),
  until: time.nullish(),
  title: title.optional(),
});
const change = z.strictObject({ title: title.optional(), keep: z.boolean().optional() });

/** `/v1/recordings` and below, as `contract.md` says. */
export function addRecordings(api: FastifyInstance, parts: RecordingsApiParts): void {
  const { sources, recordings, recorded, clock } = parts;
  const view = async (recording: CatalogRecording): Promise<RecordingView> =>
    recordingView(recording, await recorded.content(recording), clock.now());

  api.get<{ Querystring: PageAsked }>('/v1/recordings', async ({ query }, reply) => {
    const page = recordings.page(query);
    if (page.next !== undefined) reply.header('Link', `<${nextOf(query, page)}>; rel="next"`);
    return Promise.all(page.recordings.map(view));
  });
  api.get<{ Params: { id: string } }>('/v1/recordings/:id', ({ params }) => view(recordings.get(params.id)));

  api.post('/v1/recordings', async ({ body }, reply) => {
    const asked = read(beginning, body, 'The body is { "source": …, "from"?: …, "until"?: …, "title"?: … }.');
    const source = sources.get(asked.source);
    const span = parseSpan(asked.from ?? undefined, asked.until ?? undefined, clock.now());
    const { edge, multivariant } = source.entry;
    const started = await recordings.start(source.name, edge!, span, asked.title ?? '', multivariant);
    return reply.code(201).send(await view(withReach(started, source)));
  });
  api.post<{ Params: { id: string } }>('/v1/recordings/:id/stop', async ({ params }) =>
    view(await recordings.stop(params.id)),
  );
  api.patch<{ Params: { id: string } }>('/v1/recordings/:id', async ({ params, body }) => {
    const { title, keep } = read(change, body, 'The body is { "title"?: …, "keep"?: true | false }.');
    const changed = await recordings.change(params.id, {
      ...(title !== undefined && { title }),
      ...(keep !== undefined && { keep }),
    });
    return view(changed);
  });
  api.post<{ Params: { id: string } }>('/v1/recordings/:id/verify', async ({ params }, reply) => {
    const progress = parts.verify(recordings.get(params.id));
    return reply.type('application/x-ndjson').send(Readable.from(linesOf(progress)));
  });
  api.delete<{ Params: { id: string } }>('/v1/recordings/:id', async ({ params }, reply) => {
    await parts.remove(params.id);
    return reply.code(204).send();
  });
}

/** The address of the page that follows, from this one's: it holds behind a proxy that adds a path. */
function nextOf({ source }: PageAsked, { limit, next }: RecordingPage): string {
  const query = { limit: String(limit), before: next!, ...(source !== undefined && { source }) };
  return `?${new URLSearchParams(query)}`;
}

/** One JSON object a line. What breaks it off is its last line: the head has been sent. */
async function* linesOf(progress: AsyncIterable<VerifyProgress>): AsyncGenerator<string> {
  try {
    for await (const each of progress) yield `${JSON.stringify(each)}\n`;
  } catch (error) {
    yield `${JSON.stringify({ failed: error instanceof StoreFailed ? error.message : 'control failed' })}\n`;
  }
}

/**
 * What is beyond the spool is said at once, as far as the edge has said how far it reaches. One that never let go of
 * anything reaches back to the source's beginning: before it, nothing was made.
 */
function withReach(recording: CatalogRecording, { report, connected, entry }: Source): CatalogRecording {
  if (!connected || report === undefined) return recording;
  const letGo = report.reach > 0;
  const reach = letGo ? report.reach : entry.createdAt;
  if (reach <= recording.from) return recording;
  const settledUntil = epochMs(Math.min(reach, recording.until ?? reach));
  return { ...recording, settledUntil, ...(letGo && { lostBefore: settledUntil }) };
}

function read<T>(schema: z.ZodType<T>, body: unknown, mend: string): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    throw new LiveMixError('unknown_field', `There is no field ${issue.keys[0]}.`);
  }
  throw new LiveMixError('bad_recording', `\`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? ''}`, {
    hint: mend,
  });
}
