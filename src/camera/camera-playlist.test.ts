import { expect, test } from 'vitest';
import { seconds } from '../media/units.ts';
import { cameraPlaylist } from './camera-playlist.ts';

test('the playlist reads as ffmpeg prints it', () => {
  const segments = [7, 8].map((index) => ({ name: `cam-00000${index}.ts`, duration: seconds(2) }));
  expect(cameraPlaylist(7, segments)).toBe(
    [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXTINF:2.000000,',
      'cam-000007.ts',
      '#EXTINF:2.000000,',
      'cam-000008.ts',
      '',
    ].join('\n'),
  );
});
