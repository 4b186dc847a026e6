import { cpus, loadavg } from 'node:os';

/** A table for people: the first row is its head. */
export function printTable(title, rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 0
          ? String(cell ?? '').padEnd(widths[column])
          : String(cell ?? '').padStart(widths[column]),
      )
      .join('  ')
      .trimEnd();
  console.log(`\n${title}`);
  console.log(line(rows[0]));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows.slice(1)) console.log(line(row));
}

/** How busy the machine was with other things when the bench began. */
const loadBefore = loadavg()[0];

/** One line for machines, the last that a bench prints. */
export function printResult(bench, figures) {
  const machine = { cores: cpus().length, loadBefore, node: process.version };
  console.log(JSON.stringify({ bench, at: new Date().toISOString(), machine, ...figures }));
}

/** `ok` or `missed`, with the goal. */
export const verdict = (met, goal) => `${met ? 'ok' : 'MISSED'} (goal ${goal})`;
