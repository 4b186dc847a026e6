/** Times are shown as this browser's user writes them, in their time zone. */
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const shortClock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dayAndClock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** `14:03:21`. */
export const formatClock = (at: number): string => clock.format(at);

/** `today 14:03`, `yesterday 14:03`, `12 Nov 2025, 14:03`. */
export function formatWhen(at: number, now: number): string {
  const days = calendarDay(now) - calendarDay(at);
  if (days === 0) return `today ${shortClock.format(at)}`;
  if (days === 1) return `yesterday ${shortClock.format(at)}`;
  return dayAndClock.format(at);
}

/** `0:42`, `12:03`, `1:02:03`: a counter that runs. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `0.4 s`, `42 s`, `12 min 3 s`, `5 h 10 min`. */
export function formatLength(seconds: number): string {
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

const joined = (large: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;

function calendarDay(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000;
}
