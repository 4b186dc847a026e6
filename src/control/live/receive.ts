import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../../media/error.ts';
import { isName } from '../../media/name.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { millis } from '../../media/units.ts';
import { answerJson } from '../../runtime/answer.ts';
import type { Clock } from '../../runtime/clock.ts';
import { readBody } from '../../runtime/request-body.ts';
import { decodeRecords, MAX_RECORDS_BYTES, type RecordsAnswer } from '../../wire/uplink.ts';
import type { EdgeLinks } from '../edges/edge-links.ts';
import { checkHead, edgeOf, type Uploads } from '../edges/uploads.ts';
import type { ControlEvents } from '../events.ts';
import type { Sources } from '../sources/sources.ts';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import type { SharedSegments } from './shared-segments.ts';

export type Receiver = {
  readonly sources: Sources;
  readonly channels: Channels;
  readonly links: EdgeLinks;
  readonly shared: SharedSegments;
  readonly clock: Clock;
  readonly events: ControlEvents;
  readonly uploads: Uploads;
};

const PATH = /^\/edge\/v1\/(records|segments)\/([^/]+)\/([^/]+)(?:\/(\d{1,16}))?$/;

/** Answers what edges upload; false for any other path. Rejects with `LiveMixError`. Its token has been checked. */
export async function answerUpload(
  receiver: Receiver,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  const match = PATH.exec(path);
  if (match === null) return false;
  const [, what, source, rendition, number] = match as unknown as [string, string, string, string, string?];
  try {
    const channel = openChannel(receiver, request, source, rendition);
    if (what === 'records' && request.method === 'POST' && number === undefined) {
      answerJson(response, 200, await receiveRecords(receiver, request, channel));
    } else if (what === 'segments' && request.method === 'PUT' && number !== undefined) {
      const already = await receiveSegment(receiver, request, channel, Number(number));
      answerJson(response, already ? 200 : 201, { already });
    } else throw new LiveMixError('method_not_allowed', 'Records are posted, segments are put.');
  } catch (error) {
    if (error instanceof LiveMixError) receiver.events.uploadRefused(source, error.code);
    throw error;
  }
  return true;
}

/** The channel an edge may write to now. What is not its own and what does not exist look alike. */
function openChannel(
  { links, sources, channels }: Receiver,
  request: IncomingMessage,
  source: string,
  rendition: string,
): Channel {
  const edge = edgeOf(links, request);
  const found = sources.find(source);
  if (found?.entry.edge !== edge || !isName(rendition)) {
    throw new LiveMixError('source_not_yours', 'The edge does not own a source of that name.');
  }
  if (!found.wanted.has(rendition) || (found.link !== undefined && !found.spoolKnown)) {
    throw new LiveMixError('not_wanted', 'Nobody watches this rendition now.');
  }
  return channels.open(source, rendition);
}

async function receiveRecords(
  receiver: Receiver,
  request: IncomingMessage,
  channel: Channel,
): Promise<RecordsAnswer> {
  const body = await readBody(request, { maxBytes: MAX_RECORDS_BYTES });
  const records = decodeRecords(body.toString());
  if (records === undefined)
    throw new LiveMixError('bad_record', 'A record is not what this version understands.');
  receiver.channels.refuseWhenFull(
    channel,
    records.reduce((sum, record) => sum + record.bytes, 0),
  );
  const restarted = channel.list.length === 0;
  let lacking = channel.announce(records);
  if (restarted && receiver.shared.exists) {
    await Promise.all(lacking.map((record) => recall(receiver, channel, record)));
    lacking = lacking.filter((record) => !channel.has(record.sequence));
  }
  return { lacking: lacking.map((record) => record.sequence), newest: channel.newest ?? null };
}

/** What an earlier life of this node put into memcached needs not to cross the uplink again. */
async function recall({ shared, events }: Receiver, channel: Channel, record: SegmentRecord): Promise<void> {
  const content = await shared.recall(channel, record);
  if (content === undefined) return;
  channel.accept(record, content);
  events.segmentFoundInCache(channel.source, record.sequence);
}

async function receiveSegment(
  receiver: Receiver,
  request: IncomingMessage,
  channel: Channel,
  sequence: number,
): Promise<boolean> {
  const { length, digest } = checkHead(request);
  const record = channel.find(sequence);
  if (record === undefined || record.gap !== undefined) {
    throw new LiveMixError('not_wanted', 'A record is announced before its bytes are sent.');
  }
  if (record.digest !== digest || record.bytes !== length) {
    throw new LiveMixError('conflict', 'These are not the bytes that were announced under this number.');
  }
  const startedAt = receiver.clock.monotonic();
  const content = await receiver.uploads.read(request, { length, digest });
  if (channel.has(sequence)) {
    receiver.events.segmentRepeated(channel.source);
    return true;
  }
  channel.accept(record, content);
  receiver.shared.share(channel, record, content);
  const took = millis(receiver.clock.monotonic() - startedAt);
  receiver.events.segmentReceived(channel.source, sequence, length, took);
  return false;
}
