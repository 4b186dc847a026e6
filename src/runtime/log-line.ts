/** A JSON line of the log as people read it: `12:30:01.123 WARN edge segment lost source=camera-0 sequence=7`. */
export function prettyLine(json: string): string {
  const { level, time, name, msg, err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const head = [
    String(time).slice(11, 23),
    String(level).toUpperCase().padEnd(5),
    visible(String(name)),
    ...(msg === undefined ? [] : [visible(String(msg))]),
  ];
  const pairs = Object.entries(rest).map(([key, value]) => `${visible(key)}=${shownValue(value)}`);
  return `${[...head, ...pairs, ...failure(err)].join(' ')}\n`;
}

/** An error in one line: its stack is for the JSON form. */
function failure(err: unknown): string[] {
  if (err === undefined) return [];
  const message = typeof err === 'object' && err !== null && 'message' in err ? err.message : err;
  return [`err=${shownValue(String(message))}`];
}

function shownValue(value: unknown): string {
  if (typeof value !== 'string') return visible(JSON.stringify(value) ?? 'undefined');
  return /^[^\s"=]+$/.test(value) ? visible(value) : visible(JSON.stringify(value));
}

/** Control characters, those that hide or turn text, and line separators, each as its escape. */
const visible = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
