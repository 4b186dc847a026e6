import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const file = (path: string) => readFileSync(new URL(`../../node_modules/${path}`, import.meta.url));
const scripts: Record<string, Buffer> = {
  '/lib/hls.js': file('hls.js/dist/hls.min.js'),
  '/lib/shaka.js': file('shaka-player/dist/shaka-player.compiled-es2021.js'),
};

/** How each player is begun with a playlist; with their own defaults, as a third party would embed them. */
const begin: Record<string, string> = {
  'hls.js': `
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) {
      window.fatal.push(data.details);
      if (data.type === 'mediaError') hls.recoverMediaError(); else setTimeout(() => hls.loadSource(url), 1000);
    } });
    hls.loadSource(url); hls.attachMedia(video);`,
  shaka: `
    const player = new shaka.Player();
    player.addEventListener('error', (event) => window.fatal.push(String(event.detail.code ?? (event.detail.stack || event.detail))));
    player.attach(video).then(() => player.load(url)).catch((error) => window.fatal.push(String(error.code)));`,
  native: `
    video.addEventListener('error', () => window.fatal.push(String(video.error && video.error.message)));
    video.src = url;`,
};

export const players = Object.keys(begin) as readonly string[];

/** A site of a third party that embeds a playlist: `/PLAYER?PLAYLIST-URL`. */
export async function startPlayerSite(): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const script = scripts[pathname];
    if (script !== undefined) {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
      return;
    }
    const player = begin[decodeURIComponent(pathname.slice(1))];
    if (player === undefined) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>player</title>
      <video muted autoplay playsinline width="320"></video><script src="/lib/hls.js"></script><script src="/lib/shaka.js"></script>
      <script>
        window.fatal = [];
        const video = document.querySelector('video');
        const url = decodeURIComponent(location.search.slice(1));
        ${player}
      </script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
