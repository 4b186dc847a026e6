import type { Span } from '../../media/span.ts';

/** At most so many spans that cover all that `spans` do: those that lie closest together become one. */
export function joinedSpans(spans: readonly Span[], most: number): readonly Span[] {
  const fewer = [...spans];
  while (fewer.length > most) {
    const apart = (index: number) => fewer[index + 1]!.from - fewer[index]!.until!;
    let closest = 0;
    for (let index = 1; index + 1 < fewer.length; index++) if (apart(index) < apart(closest)) closest = index;
    fewer.splice(closest, 2, { from: fewer[closest]!.from, until: fewer[closest + 1]!.until });
  }
  return fewer;
}
