import type { Source } from './api.ts';
import { formatBytes } from './format.ts';

/** What came in at the edge, how much of it crossed the uplink, and what that saved. */
export function Savings({ source }: { source: Source }) {
  const { ingestedBytes: taken, forwardedBytes: sent } = source;
  if (taken === undefined) return null;
  if (taken === 0) return <p class="savings-text">Nothing taken in yet</p>;
  if (sent === undefined) return <p class="savings-text">{formatBytes(taken)} taken in</p>;
  const share = Math.min(1, sent / taken);
  const saved = Math.max(0, taken - sent);
  return (
    <div class="savings">
      <p class="savings-text">
        <span>
          <b>{formatBytes(sent)}</b> sent of {formatBytes(taken)}
        </span>
        {saved > 0 && (
          <span class="saved" title="Bytes that never crossed the uplink">
            {formatBytes(saved)} saved
          </span>
        )}
      </p>
      <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="4" class="bar-all" />
        <rect width={share * 100} height="4" class="bar-sent" />
      </svg>
    </div>
  );
}
