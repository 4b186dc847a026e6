import type { IncomingMessage } from 'node:http';

/** The path of a request's target, as it was sent: nothing is decoded. */
export const pathOf = (request: IncomingMessage): string => {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
};
