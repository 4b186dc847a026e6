import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from './wait.mjs';

const PACKET = 188;
const clip = readFileSync(new URL('../../assets/test-camera.mpegts', import.meta.url));
const VIDEO_PID = 0x100;

/** The head of a packet that begins a picture, presented at `seconds` (ISO/IEC 13818-1 §2.4.3.6). */
function pesHeader(seconds) {
  const pts = Math.round(seconds * 90_000);
  const high = Math.floor(pts / 2 ** 30) & 7;
  const middle = Math.floor(pts / 2 ** 15) & 0x7fff;
  const low = pts & 0x7fff;
  return [
    ...[0x47, 0x40 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0x10, 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5],
    ...[0x21 | (high << 1), middle >> 7, ((middle & 0x7f) << 1) | 1, low >> 7, ((low & 0x7f) << 1) | 1],
  ];
}

/** So many bytes, about, that look like transport stream to everything that only carries it: tables, then noise. */
export function segmentOf(bytes, beginsAt, duration) {
  const packets = Math.max(8, Math.round(bytes / PACKET));
  const segment = randomFillSync(Buffer.allocUnsafeSlow(packets * PACKET));
  for (let index = 0; index < packets; index++) {
    const head = [0x47, VIDEO_PID >> 8, VIDEO_PID & 0xff, 0x10 | (index & 0xf)];
    segment.set(head, index * PACKET);
    if (index % 20 === 0) segment.set(pesHeader(beginsAt + (index / packets) * duration), index * PACKET);
  }
  clip.copy(segment, 0, 0, 3 * PACKET); // It begins with its tables.
  return segment;
}

/** An encoder that writes segment files and posts playlists to an edge, as `ffmpeg -f hls` does. */
export class Encoder {
  next = 0;
  #list = [];
  #running;

  constructor(options) {
    Object.assign(this, { source: 'camera-0', duration: 2, bytes: 1_000_000, listSize: 5, ...options });
  }

  /** Makes the next segment, closes its file, then posts the playlist that lists it. Tells when the file was closed. */
  async publish() {
    const made = await this.make();
    return { ...made, posted: this.post() };
  }

  /** Makes the next segment and closes its file; the next post lists it. */
  async make() {
    const sequence = this.next++;
    const name = `seg-${String(sequence).padStart(6, '0')}.ts`;
    const segment = segmentOf(this.bytes, sequence * this.duration, this.duration);
    await writeFile(join(this.folder, `${name}.tmp`), segment);
    await rename(join(this.folder, `${name}.tmp`), join(this.folder, name));
    const closedAt = performance.now();
    this.#list.push({ sequence, name });
    if (this.#list.length > this.listSize) {
      // As `delete_segments` does, a while after it left the list.
      const gone = sequence - 3 * this.listSize;
      if (gone >= 0) {
        await unlink(join(this.folder, `seg-${String(gone).padStart(6, '0')}.ts`)).catch(() => undefined);
      }
      this.#list.shift();
    }
    return { sequence, segment, closedAt };
  }

  /** Posts the playlist; what the edge answered. */
  async post() {
    const response = await fetch(`${this.edgeUrl}/v1/playlist`, {
      method: 'POST',
      headers: { 'Video-Source-Name': this.source, 'MPEG-TS-URI-Prefix': `file://${this.folder}` },
      body: this.#playlist(),
    });
    return checkPosted(response);
  }

  /** Publishes so many at once: what a window holds when the bench begins. */
  async fill(count) {
    for (let done = 0; done < count; done++) await (await this.publish()).posted;
  }

  /** Goes on in real time until the scope ends. */
  run(scope) {
    const ending = new AbortController();
    scope.defer(async () => {
      ending.abort();
      await this.#running;
    });
    this.#running = (async () => {
      let due = performance.now() + this.duration * 1000;
      while (!ending.signal.aborted) {
        await sleep(Math.min(50, Math.max(0, due - performance.now())));
        if (performance.now() < due) continue;
        due += this.duration * 1000;
        const { posted } = await this.publish();
        await posted.catch((error) => console.error(`encoder: ${error.message}`));
      }
    })();
  }

  #playlist() {
    const lines = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${Math.ceil(this.duration)}`];
    lines.push(`#EXT-X-MEDIA-SEQUENCE:${this.#list[0].sequence}`);
    for (const { name } of this.#list) lines.push(`#EXTINF:${this.duration.toFixed(6)},`, name);
    return `${lines.join('\n')}\n`;
  }
}

async function checkPosted(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`the edge answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
