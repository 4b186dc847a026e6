import { beforeEach, expect, test } from 'vitest';
import { recordForTest } from '../../media/record-for-test.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { isObjectKey } from '../../store/object-store.ts';
import { newTicketId, segmentKey, Tickets } from './tickets.ts';

let clock: FakeClock;
let tickets: Tickets;
beforeEach(() => {
  clock = new FakeClock();
  tickets = new Tickets(clock);
});

const issue = (id: string, { sequence = 1, direct = false, edge = 'edge-1' } = {}) => {
  const segment = { source: 'camera-0', rendition: 'main', record: recordForTest(sequence) };
  return tickets.issue({ id, edge, direct, segment: { ...segment, key: segmentKey(segment, id) } });
};
const unknown = expect.objectContaining({ code: 'ticket_unknown' });

test('a ticket is good for one put of one segment', () => {
  issue('a');
  expect(tickets.look('a', 'edge-1').segment.record.sequence).toBe(1);
  expect(tickets.use('a', 'edge-1').segment.key).toBe('segments/camera-0/main/1-a.ts');
  expect(() => tickets.use('a', 'edge-1')).toThrow(expect.objectContaining({ code: 'ticket_used' }));
});

test('the ticket of another edge, one that never was, and one for the store itself are unknown', () => {
  issue('a');
  issue('direct', { direct: true });
  expect(() => tickets.look('a', 'edge-2')).toThrow(unknown);
  expect(() => tickets.look('b', 'edge-1')).toThrow(unknown);
  expect(() => tickets.look('direct', 'edge-1')).toThrow(unknown);
});

test('a ticket is good for five minutes', () => {
  issue('a');
  clock.pass(300_000);
  tickets.sweep();
  tickets.look('a', 'edge-1');
  clock.pass(1);
  expect(() => tickets.look('a', 'edge-1')).toThrow(unknown);
  tickets.sweep();
  expect(() => tickets.look('a', 'edge-1')).toThrow(unknown);
});

test('what may have been put into the store itself is looked for under every ticket of that very segment', () => {
  issue('a', { direct: true });
  issue('b', { direct: true });
  issue('c', { direct: true, sequence: 2 });
  issue('d');
  const found = tickets.directOf({ source: 'camera-0', rendition: 'main', record: recordForTest(1) });
  expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
  const others = { ...recordForTest(1), digest: 'other' };
  expect(tickets.directOf({ source: 'camera-0', rendition: 'main', record: others })).toEqual([]);
});

test('of more than ten thousand tickets the oldest are forgotten', () => {
  for (let index = 0; index <= 10_000; index++) issue(`t${index}`);
  expect(() => tickets.look('t0', 'edge-1')).toThrow(unknown);
  tickets.look('t1', 'edge-1');
});

test('no two keys are alike, and every one is a key of the store', () => {
  const ids = Array.from({ length: 1_000 }, newTicketId);
  expect(new Set(ids).size).toBe(1_000);
  const segment = { source: 'camera-0', rendition: 'main', record: recordForTest(1) };
  for (const id of ids) expect(isObjectKey(segmentKey(segment, id))).toBe(true);
});
