import type { Trouble } from './api.ts';
import { CopyButton } from './copy-button.tsx';

/**
 * What is wrong with a source and what to do, as text that can be marked and copied.
 * `said`: what happened already stands beside it.
 */
export function TroubleNote({ trouble, said = false }: { trouble: Trouble; said?: boolean }) {
  const lines = [trouble.detail, trouble.hint, trouble.code].filter((line) => line !== '');
  return (
    <div class="trouble">
      <svg class="trouble-mark" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M10 2.5 18.5 17h-17Z" />
        <path d="M10 8v4m0 2.2v.1" />
      </svg>
      <div class="trouble-text">
        {trouble.detail !== '' && !said && <p class="trouble-detail">{trouble.detail}</p>}
        {trouble.hint !== '' && <p>{trouble.hint}</p>}
        <div class="trouble-foot">
          <span class="trouble-code">{trouble.code}</span>
          <CopyButton text={lines.join('\n')} what="the trouble" />
        </div>
      </div>
    </div>
  );
}
