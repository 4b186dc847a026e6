import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cpuUsage, memoryUsage, uptime } from 'node:process';
import type { Metrics } from './metrics.ts';

/** What tells most of a process: its memory, its CPU time, and how late its event loop runs. Read at each scrape. */
export function addProcessMetrics(metrics: Metrics): void {
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', [], (gauge) =>
    gauge.set(memoryUsage.rss()),
  );
  metrics.gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', [], (gauge) =>
    gauge.set(memoryUsage().heapUsed),
  );
  metrics.gauge('nodejs_external_memory_bytes', 'Memory outside the heap: Buffers above all.', [], (gauge) =>
    gauge.set(memoryUsage().external),
  );
  metrics.counter('process_cpu_seconds_total', 'User and system CPU time.', [], (counter) => {
    const { user, system } = cpuUsage();
    counter.reset();
    counter.inc((user + system) / 1e6);
  });
  const startedAt = Date.now() / 1000 - uptime();
  metrics.gauge('process_start_time_seconds', 'When the process started.').set(startedAt);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  metrics.gauge(
    'nodejs_eventloop_lag_max_seconds',
    'Worst event loop delay since the last scrape.',
    [],
    (gauge) => {
      gauge.set(delay.max / 1e9);
      delay.reset();
    },
  );
}
