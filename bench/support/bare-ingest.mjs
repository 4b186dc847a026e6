// The least that Node can do with what encoders send: each segment hashed and written to a file, nothing checked, nothing
// remembered. PUT: the body. POST of a playlist: the file that it names last. For scale only.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const root = process.argv[2];
let files = 0;
const server = createServer((request, response) => {
  const answer = () => response.writeHead(200, { 'Content-Length': 0 }).end();
  if (request.method === 'PUT' && request.url.endsWith('.ts')) return keep(request, answer);
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    if (request.method !== 'POST') return answer();
    const folder = request.headers['mpeg-ts-uri-prefix'].slice('file://'.length);
    keep(
      createReadStream(join(folder, body.trim().split('\n').at(-1)), { highWaterMark: 256 * 1024 }),
      answer,
    );
  });
});

/** Never holds the sender up: an encoder closes its connection right behind the last byte. */
function keep(bytes, done) {
  const hash = createHash('sha256');
  const file = createWriteStream(join(root, `${files++}.ts`), { mode: 0o600 });
  bytes.on('data', (chunk) => {
    hash.update(chunk);
    file.write(chunk);
  });
  bytes.on('end', () => file.end(hash.digest('base64url')));
  file.on('finish', done);
}
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
