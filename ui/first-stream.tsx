import { CopyButton } from './copy-button.tsx';

/** The empty list: what to do to see a first picture. */
export function FirstStream() {
  return (
    <section class="first">
      <svg class="first-mark" viewBox="0 0 48 48" aria-hidden="true">
        <rect x="4" y="12" width="28" height="24" rx="5" />
        <path d="m32 21 10-6v18l-10-6" />
      </svg>
      <h1>No source yet</h1>
      <p class="first-lead">
        Push a stream to an edge and it appears here by itself. Nothing crosses the uplink until somebody
        watches.
      </p>
      <PushHowTo source="camera-0" />
    </section>
  );
}

/** How to push a stream with ffmpeg, step by step. */
export function PushHowTo({ source }: { source: string }) {
  return (
    <ol class="steps">
      <li>
        <p>
          On the machine of the edge, make a folder for the segments. The edge must be allowed to read it:
          start it with <code class="steps-code">--media-roots /tmp/hls</code>.
        </p>
        <Command what="the first command" text="mkdir -p /tmp/hls" />
      </li>
      <li>
        <p>Send a file, or a camera, with ffmpeg:</p>
        <Command what="the ffmpeg command" text={ffmpegPush(source)} />
      </li>
    </ol>
  );
}

function Command({ text, what }: { text: string; what: string }) {
  return (
    <div class="command">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable with the keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}

/** One copyable command; the folds in it are bash line continuations. */
const ffmpegPush = (source: string): string =>
  [
    'ffmpeg -re -i input.mp4 -c copy',
    '-f hls -hls_time 2 -hls_list_size 5',
    `-hls_segment_filename /tmp/hls/${source === 'camera-0' ? 'cam' : source}-%03d.ts`,
    `-headers $'Video-Source-Name: ${source}\\r\\nMPEG-TS-URI-Prefix: file:///tmp/hls\\r\\n'`,
    '-method POST http://127.0.0.1:9080/v1/playlist',
  ].join(' \\\n  ');
