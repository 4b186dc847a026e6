import { expect, test } from 'vitest';
import { boxesOf } from './boxes.ts';
import { parseFragment, printFragment } from './fragment-header.ts';
import { RandomAccess } from './random-access.ts';

const fragment = {
  runs: [
    {
      track: 1,
      begin: 2 ** 33,
      samples: [
        { duration: 3600, size: 1000, flags: 0x02000000, composition: 7200 },
        { duration: 3600, size: 10, flags: 0x01010000, composition: -3600 },
      ],
    },
    { track: 2, begin: 48_000, samples: [{ duration: 1024, size: 200, flags: 0x02000000, composition: 0 }] },
  ],
};

test('a fragment that is printed reads the same', () => {
  expect(parseFragment(printFragment(fragment, 7))).toEqual(fragment);
});

test('each run says where its data lie: behind the header of the mdat, one after the other', () => {
  const moof = printFragment(fragment, 7);
  const [whole] = boxesOf(moof);
  const offsets = [...boxesOf(whole!.body)]
    .filter(({ type }) => type === 'traf')
    .map(({ body }) => [...boxesOf(body)].find(({ type }) => type === 'trun')!.body.readUInt32BE(8));
  expect(offsets).toEqual([moof.length + 8, moof.length + 8 + 1010]);
});

test('the index says how long it is at its very end', () => {
  const index = new RandomAccess();
  index.add(fragment, 5_000_000_000);
  const bytes = index.box();
  expect(bytes.readUInt32BE(bytes.length - 4)).toBe(bytes.length);
  const [mfra] = boxesOf(bytes);
  const [video] = boxesOf(mfra!.body);
  expect(video!.body.readBigUInt64BE(16)).toBe(BigInt(2 ** 33 + 7200));
  expect(video!.body.readBigUInt64BE(24)).toBe(5_000_000_000n);
});
