// The least that Node can do: a folder in memory, served as whole Buffers by `node:http`. For scale only.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const root = process.argv[2];
const files = new Map();
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const body = readFileSync(path);
  const type = path.endsWith('.ts') ? 'video/mp2t' : 'application/vnd.apple.mpegurl';
  files.set(path.slice(root.length), {
    body,
    headers: ['Content-Type', type, 'Content-Length', String(body.length)],
  });
}
const server = createServer((request, response) => {
  const file = files.get(request.url);
  if (file === undefined) {
    response.writeHead(404, { 'Content-Length': 0 });
    response.end();
    return;
  }
  response.writeHead(200, file.headers);
  response.end(file.body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
