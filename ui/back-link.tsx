/** The way to where this view is one of many. */
export function BackLink({ href, to }: { href: string; to: string }) {
  return (
    <a href={href} class="back">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M10 3 5 8l5 5" />
      </svg>
      {to}
    </a>
  );
}
