/** Asks control's API for something; throws what it answers where that is no success. */
export async function ask(controlUrl, method, path, body) {
  const response = await fetch(`${controlUrl}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

export const startRecording = (controlUrl, source, from) =>
  ask(controlUrl, 'POST', '/v1/recordings', { source, ...(from !== undefined && { from }) });

export const recordingOf = (controlUrl, id) => ask(controlUrl, 'GET', `/v1/recordings/${id}`);
