import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('two nodes in one process count apart, each in Prometheus text', async () => {
  const [one, two] = [createMetrics('livemix_'), createMetrics('livemix_')];
  const counter = one.counter('segments_total', 'Segments.', ['source']);
  two.counter('segments_total', 'Segments.', ['source']);
  counter.inc({ source: 'camera-0"\n' }, 2);
  one.gauge('spool_bytes', 'Spool.', [], (gauge) => gauge.set(7));
  one.histogram('send_seconds', 'Sending.', [], [0.1, 1]).observe(0.5);
  const text = await one.text();
  expect(text).toContain('livemix_segments_total{source="camera-0\\"\\n"} 2');
  expect(text).toContain('livemix_spool_bytes 7');
  expect(text).toContain('livemix_send_seconds_bucket{le="1"} 1');
  expect(await two.text()).not.toContain('} 2');
  expect(one.contentType).toMatch(/^text\/plain/);
});

test('Node’s own figures are there when asked for', async () => {
  expect(await createMetrics().text()).not.toContain('process_resident_memory_bytes');
  const metrics = createMetrics('livemix_', { process: true });
  expect(await metrics.text()).toMatch(/process_cpu_seconds_total 0?\.?\d/);
  expect(await metrics.text()).toContain('process_resident_memory_bytes');
});
