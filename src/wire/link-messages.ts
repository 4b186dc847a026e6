import { z } from 'zod';
import { NAME_PATTERN } from '../media/name.ts';

/**
 * What edge and control say to each other over the WebSocket that the edge dialled. Text frames, one JSON
 * object each, at most `MAX_MESSAGE_BYTES`. Commands are desired state: a `desired` is the whole of it, so
 * a lost or repeated message changes nothing.
 */
export const PROTOCOL = 4;
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** Of the playlist that names a source's renditions. */
export const MAX_MULTIVARIANT_CHARACTERS = 30 * 1024;
/** Whether such a playlist fits a message, escaped and in UTF-8. */
export const fitsMessage = (multivariant: string): boolean =>
  multivariant.length <= MAX_MULTIVARIANT_CHARACTERS &&
  sizeInMessage(multivariant) <= MAX_MESSAGE_BYTES - 1024;
/** Bytes that a value takes in a message. */
export const sizeInMessage = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
/** How often the edge asks for the time, and after how long a silence either side holds the link for dead. */
export const PING_EVERY_MS = 2_000;
export const LINK_SILENCE_MS = 5_000;

const name = z.string().regex(NAME_PATTERN);
const count = z.number().int().nonnegative();

const trouble = z.strictObject({
  code: z.string().max(64),
  detail: z.string().max(300),
  hint: z.string().max(300),
});

/** Numbers below which a source may publish nothing: an earlier spool may have used them. */
const floor = z.strictObject({ sequence: count, discontinuity: count });
export type Floor = z.infer<typeof floor>;

const sourceReport = z.strictObject({
  name,
  /** Whether the encoder sent something of late. */
  sending: z.boolean(),
  /** The first number and discontinuity not yet allowed: all below may have been used. */
  reservedSequence: count,
  reservedDiscontinuity: count,
  /** The floor it keeps; control forwards nothing of an unknown spool before it has been told its own. */
  floor,
  targetDuration: count,
  /** The renditions it has media of. */
  renditions: z.array(name).max(64),
  /** The renditions it is forwarding. */
  forwarding: z.array(name).max(64),
  ingestedBytes: count,
  forwardedBytes: count,
  lastSegmentAt: z.number().nullable(),
  /** All that `keep` wants and that begins before this moment is stored, or lost for ever. */
  settledUntil: z.number(),
  /** All that was announced since this moment is held; 0 when nothing was ever let go. */
  reach: z.number(),
  /** Bytes that `keep` wants and that are not stored yet. */
  backlogBytes: count,
  trouble: trouble.optional(),
});
export type SourceReport = z.infer<typeof sourceReport>;

const hello = z.strictObject({
  type: z.literal('hello'),
  protocol: z.number().int(),
  version: z.string().max(64),
  edge: name,
  spool: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
});
export type Hello = z.infer<typeof hello>;

const report = z.strictObject({
  type: z.literal('report'),
  /** The newest `desired` that was applied: its receipt. */
  revision: count,
  spoolBytes: count,
  spoolMaxBytes: count,
  uplinkBytesPerSecond: count,
  sources: z.array(sourceReport).max(64),
});
export type Report = z.infer<typeof report>;

/** A playlist that names the renditions of a source is told when it changes, and with each link: null where there is none. */
const described = z.strictObject({
  type: z.literal('described'),
  sources: z
    .array(z.strictObject({ name, multivariant: z.string().max(MAX_MULTIVARIANT_CHARACTERS).nullable() }))
    .max(64),
});
export type Described = z.infer<typeof described>;

const ping = z.strictObject({ type: z.literal('ping'), sentAt: z.number() });
const pong = z.strictObject({ type: z.literal('pong'), sentAt: z.number(), now: z.number() });

/** Time of a source that is to be kept, in epoch milliseconds; `until` null: until further notice. */
const keepSpan = z.strictObject({ from: z.number(), until: z.number().nullable() });
export type KeepSpan = z.infer<typeof keepSpan>;
/** Spans of one source that a desired state may name; ones that overlap are joined. */
export const MAX_KEEP_SPANS = 16;

const desiredSource = z.strictObject({
  name,
  /** The renditions to forward now. */
  forward: z.array(name).max(64),
  /** What recordings want of it, joined. Rules until told otherwise, also without a link. */
  keep: z.array(keepSpan).max(MAX_KEEP_SPANS),
  floor: floor.optional(),
  /** The edge that owns this name: this report of it is refused. */
  takenBy: name.optional(),
});
export type DesiredSource = z.infer<typeof desiredSource>;

const desired = z.strictObject({
  type: z.literal('desired'),
  /** Counts within this link. */
  revision: count,
  /** Of this link; uploads carry it, an older one is refused. */
  generation: count,
  /** How many segments a live list of control's holds at least. */
  liveSegments: z.number().int().min(1).max(1000),
  sources: z.array(desiredSource).max(256),
});
export type Desired = z.infer<typeof desired>;

const fromEdge = z.discriminatedUnion('type', [hello, report, described, ping]);
export type EdgeMessage = z.infer<typeof fromEdge>;
const fromControl = z.discriminatedUnion('type', [desired, pong]);
export type ControlMessage = z.infer<typeof fromControl>;

export const encodeMessage = (message: EdgeMessage | ControlMessage): string => JSON.stringify(message);

/** Undefined when the text is no message of this protocol. */
export const decodeEdgeMessage = (text: string): EdgeMessage | undefined => decode(fromEdge, text);
export const decodeControlMessage = (text: string): ControlMessage | undefined => decode(fromControl, text);

function decode<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
