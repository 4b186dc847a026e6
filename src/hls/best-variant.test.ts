import { expect, test } from 'vitest';
import { bestVariant } from './best-variant.ts';

const playlist = (...lines: string[]) => `#EXTM3U\n${lines.join('\n')}\n`;
const variant = (bandwidth: number, uri: string, more = '') => [
  `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth}${more}`,
  uri,
];
const media = (type: string, group: string, uri?: string) =>
  `#EXT-X-MEDIA:TYPE=${type},GROUP-ID="${group}",NAME="${uri ?? 'own'}"${uri ? `,URI="${uri}"` : ''}`;

test('the best variant is the one with the highest bandwidth, wherever it stands', () => {
  const ladder = playlist(...variant(9e5, 'mid'), ...variant(2_000_000, 'high'), ...variant(3e5, 'low'));
  expect(bestVariant(ladder)).toEqual({ uri: 'high', apart: [] });
});

test('sound and other pictures of its groups lie apart, subtitles and those of other groups do not', () => {
  const text = playlist(
    media('AUDIO', 'good', 'tone'),
    media('AUDIO', 'good', 'tone-2'),
    media('AUDIO', 'poor', 'mono'),
    media('VIDEO', 'angles', 'side'),
    media('SUBTITLES', 'words', 'text'),
    ...variant(2e6, 'high', ',AUDIO="good",VIDEO="angles",SUBTITLES="words"'),
    ...variant(1e6, 'low', ',AUDIO="poor"'),
  );
  expect(bestVariant(text)).toEqual({ uri: 'high', apart: ['tone', 'tone-2', 'side'] });
});

test('sound that lies in the variant itself does not lie apart', () => {
  const text = playlist(
    media('AUDIO', 'a'),
    media('AUDIO', 'a', 'high'),
    ...variant(2e6, 'high', ',AUDIO="a"'),
  );
  expect(bestVariant(text)).toEqual({ uri: 'high', apart: [] });
});

test('a stream of I-frames is no variant', () => {
  const text = playlist('#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000000,URI="tricks"', ...variant(1e6, 'only'));
  expect(bestVariant(text)).toEqual({ uri: 'only', apart: [] });
});
