import { useSignal } from '@preact/signals';
import { refusal } from '../http.ts';
import { Refused } from '../refused.tsx';
import { useAction } from '../use-action.ts';
import { downloadUrl, isOpen, type Recording } from './recording.ts';

const FILES = [
  ['mp4', 'plays everywhere'],
  ['ts', 'as it was sent'],
] as const;
type FileType = (typeof FILES)[number][0];

/** The recording as one file. */
export function Downloads({ recording }: { recording: Recording }) {
  const asking = useSignal<FileType | undefined>(undefined);
  const { busy, refused, run } = useAction();
  if (recording.segments === 0) return null;

  /** A browser would save a refusal as if it were the file. So the answer is looked at before it is taken. */
  const take = (event: MouseEvent, type: FileType) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    asking.value = type;
    void run(async () => {
      const url = downloadUrl(recording.id, type);
      await refuseUnready(url);
      save(url);
    });
  };
  return (
    <section class="panel" aria-label="Download">
      <div>
        <ul class="downloads">
          {FILES.map(([type, words]) => (
            <li key={type}>
              <a
                class="quiet"
                href={downloadUrl(recording.id, type)}
                download
                data-download={type}
                aria-busy={busy.value && asking.value === type}
                onClick={(event) => take(event, type)}
              >
                Download .{type}
              </a>
              <span>{words}</span>
            </li>
          ))}
        </ul>
        {isOpen(recording) && <p class="hint">What has arrived by now. The rest is still to come.</p>}
        <Refused why={refused.value} />
      </div>
    </section>
  );
}

/** A HEAD tells whether there is a file without making it; why there is none is in the answer to a GET. */
async function refuseUnready(url: string): Promise<void> {
  const { ok } = await fetch(url, { method: 'HEAD', cache: 'no-store' });
  if (ok) return;
  const told = await fetch(url, { cache: 'no-store' });
  if (!told.ok) throw await refusal(told);
  await told.body?.cancel();
}

function save(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
