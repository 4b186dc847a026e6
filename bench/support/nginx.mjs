import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from './child.mjs';
import { freePort } from './free-port.mjs';
import { tempFolder } from './temp-folder.mjs';
import { until } from './wait.mjs';

/**
 * Ways to send a file, each at its best on loopback: with its usual chunk of 2 MiB sendfile is a tenth slower there,
 * without `tcp_nopush` a third as fast. And to take files that are PUT, which end where their body was written to.
 */
const ways = {
  sendfile: 'sendfile on; tcp_nopush on; sendfile_max_chunk 512k;',
  copy: 'sendfile off; output_buffers 2 512k;',
  put: 'client_body_buffer_size 64k; client_max_body_size 0;',
};

/** nginx with one worker, serving a folder with the headers that control sends, or taking files into it. */
export async function startNginx(scope, root, { core, way }) {
  const folder = await tempFolder(scope);
  await mkdir(join(folder, 'logs'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n  ');
  const config = `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/logs/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  ${ways[way]}
  keepalive_requests 100000000;
  keepalive_timeout 60s;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 60s;
  types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  ${temporary}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${root};
    add_header Access-Control-Allow-Origin *;
    location /v1/ingest/ {
      dav_methods PUT;
      create_full_put_path on;
    }
    location /live/ {
      add_header Access-Control-Allow-Origin *;
      add_header Cache-Control "public, max-age=1";
      add_header Vary Accept-Encoding;
    }
    location /m/ {
      add_header Access-Control-Allow-Origin *;
      add_header Access-Control-Expose-Headers "Content-Length, Content-Range, ETag";
      add_header Cache-Control "public, max-age=31536000, immutable";
      add_header X-Content-Type-Options nosniff;
    }
  }
}
`;
  const file = join(folder, 'nginx.conf');
  await writeFile(file, config);
  // A master that is root gives its worker to nobody, who may not read temporary folders.
  const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
  const child = new Child(
    scope,
    'nginx',
    ['-p', folder, '-e', join(folder, 'logs/error.log'), '-c', file, ...user],
    { core },
  );
  const url = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    );
  await until('nginx answers', answers).catch((error) => {
    throw new Error(`${error.message}: ${child.lines.join(' ')}`);
  });
  return Object.assign(child, { url });
}
