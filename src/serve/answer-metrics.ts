import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../media/error.ts';
import { answerText } from '../runtime/answer.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { isLoopback } from '../runtime/setting-types.ts';

/** Metrics are for this machine: a proxy in front would show them to everyone. */
export async function answerMetrics(
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, socket } = request;
  const forwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  if (forwarded || !isLoopback(socket.remoteAddress ?? '')) {
    throw new LiveMixError('not_found', 'There is no such page.');
  }
  answerText(response, 200, await metrics.text(), { 'Content-Type': metrics.contentType });
}
