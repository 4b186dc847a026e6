import { LOAD_CORE, SERVER_CORE } from './child.mjs';
import { Encoder } from './encoder.mjs';
import { fetchLive } from './fetch-live.mjs';
import { setMode, startControl, startEdge } from './nodes.mjs';
import { tempFolder } from './temp-folder.mjs';
import { until } from './wait.mjs';

/** Control on a core of its own, an edge and a source that is always forwarded and goes on in real time. */
export async function startLiveSource(scope, { duration, bytes, nodeFlags = [], openFiles, flags }) {
  const media = await tempFolder(scope);
  const control = await startControl(scope, { core: SERVER_CORE, nodeFlags, openFiles, flags });
  const edge = await startEdge(scope, { controlUrl: control.url, mediaRoot: media, core: LOAD_CORE });
  const encoder = new Encoder({ edgeUrl: edge.url, folder: media, duration, bytes });
  await encoder.fill(6);
  await setMode(control.url, encoder.source, 'always');
  const playlistUrl = `${control.url}/live/${encoder.source}/index.m3u8`;
  await until('control lists something', async () => (await fetch(playlistUrl)).ok);
  await encoder.fill(4);
  encoder.run(scope);
  await until('control lists six segments', async () => (await fetchLive(playlistUrl)).segments.length >= 6);
  return { control, edge, encoder, playlistUrl };
}
