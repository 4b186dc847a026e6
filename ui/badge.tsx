/** Shapes in a box of 12 by 12, so that a state does not depend on its colour alone. */
const SHAPES = {
  disc: <circle cx="6" cy="6" r="5" class="fill" />,
  ring: <circle cx="6" cy="6" r="4" class="line" />,
  cross: <path d="M2.5 2.5l7 7m0-7l-7 7" class="line" />,
  bar: <path d="M2 6h8" class="line" />,
  tick: <path d="M1.8 6.4l2.9 3L10.2 3" class="line" />,
  arriving: <path d="M6 1v6.4M3 4.8l3 3 3-3M2 11h8" class="line" />,
  broken: <path d="M6 1.2v5.6m0 3.4v.4" class="line" />,
} as const;

/** A state as a word, a shape and a colour. */
export function Badge({
  look,
  shape,
  word,
  meaning,
}: {
  look: string;
  shape: keyof typeof SHAPES;
  word: string;
  meaning: string;
}) {
  return (
    <span class={`badge badge-${look}`} title={meaning}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {SHAPES[shape]}
      </svg>
      {word}
    </span>
  );
}
