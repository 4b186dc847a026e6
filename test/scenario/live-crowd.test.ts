import { expect, test } from 'vitest';
import { Rig } from '../support/rig.ts';

async function metric(node: string, name: string): Promise<number> {
  const text = await (await fetch(`${node}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${name}[{ ]`).test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const VIEWERS = 200;

test('two hundred first viewers are all answered, from one list and one upload of each segment', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(6);
  await rig.until('the source appears', () => rig.source());
  const everybody = async () => {
    const answers = await Promise.all(
      Array.from({ length: VIEWERS }, async (_, viewer) => {
        const response = await fetch(rig.playlistUrl, { headers: { 'User-Agent': `viewer-${viewer}` } });
        return { status: response.status, text: await response.text() };
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    return new Set(answers.map(({ text }) => text));
  };
  expect((await everybody()).size).toBe(1);
  const renders = () => metric(rig.control.url, 'livemix_control_live_renders_total');
  expect(await renders()).toBe(1);
  expect((await rig.source())?.['viewers']).toBe(VIEWERS);

  const uploads = () => metric(rig.control.url, 'livemix_control_live_segments_total');
  expect(await uploads()).toBe(3);
  for (let more = 1; more <= 3; more++) {
    await rig.encoder.publish(1);
    await rig.until('control has it', async () => (await uploads()) === 3 + more);
    const texts = await everybody();
    expect(texts.size).toBe(1);
    expect(await renders()).toBe(1 + more);
  }
  expect(await metric(rig.control.url, 'livemix_control_live_repeated_total')).toBe(0);
  expect(await metric(rig.edge.url, 'livemix_edge_uplink_repeated_bytes_total')).toBe(0);
  const bytes = rig.encoder.made.slice(-6).reduce((sum, segment) => sum + segment.length, 0);
  expect(await metric(rig.edge.url, 'livemix_edge_uplink_bytes_total')).toBe(bytes);
  await rig.until('the report says so', async () => (await rig.source())?.['forwardedBytes'] === bytes);

  // All of them fetch the same segments.
  const list = await (await fetch(rig.playlistUrl)).text();
  const newest = list.trimEnd().split('\n').at(-1)!;
  const lengths = await Promise.all(
    Array.from({ length: VIEWERS }, async () => {
      const response = await fetch(new URL(newest, rig.playlistUrl));
      return (await response.arrayBuffer()).byteLength;
    }),
  );
  expect(new Set(lengths)).toEqual(new Set([rig.encoder.made.at(-1)!.length]));
  expect(await uploads()).toBe(6);
});
