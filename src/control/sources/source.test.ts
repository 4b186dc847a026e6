import { expect, test } from 'vitest';
import { MAIN } from '../../media/name.ts';
import { epochMs } from '../../media/units.ts';
import type { SourceReport } from '../../wire/link-messages.ts';
import { Source } from './source.ts';

const multivariant = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n';
const source = (of: { multivariant?: string; renditions?: string[] }) => {
  const made = new Source({
    name: 'camera-0',
    edge: 'edge-1',
    mode: 'on-demand',
    spool: 'spool-000',
    reservedSequence: 0,
    reservedDiscontinuity: 0,
    multivariant: of.multivariant,
    createdAt: epochMs(0),
  });
  if (of.renditions !== undefined) made.report = { renditions: of.renditions } as unknown as SourceReport;
  return made;
};

test.each([
  ['its edge has not come back', {}, [MAIN]],
  ['it is new', { renditions: [] }, [MAIN]],
  ['its edge has media of it', { renditions: ['low', 'high'] }, [MAIN, 'low', 'high']],
  ['its encoder names it, and its edge has not come back', { multivariant }, ['low']],
  [
    'its encoder names it, and its edge has nothing of it any more',
    { multivariant, renditions: [] },
    ['low'],
  ],
  [
    'its encoder no longer names it, and its edge has some left',
    { multivariant, renditions: ['high'] },
    ['low', 'high'],
  ],
])('viewers may wait for a rendition where %s', (_, of, expected) => {
  const asked = [MAIN, 'low', 'high', 'made-up'];
  expect(asked.filter((name) => source(of).has(name))).toEqual(expected);
});
