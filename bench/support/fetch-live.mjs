/** What a live playlist lists now: its text, and the absolute URL of each segment. */
export async function fetchLive(playlistUrl) {
  const response = await fetch(playlistUrl);
  const text = await response.text();
  if (!response.ok) throw new Error(`${playlistUrl} answered ${response.status}: ${text}`);
  const segments = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => new URL(line, playlistUrl).href);
  return { text, segments };
}
