/** A segment of a playlist: where it lies on the player's time line, and when it was taken. */
export type Part = {
  readonly start: number;
  readonly duration: number;
  readonly programDateTime: number | null;
  /** Listed, but without video. */
  readonly gap?: boolean;
};

/**
 * Where on the player's time line a moment is shown: in the segment that was taken then, or at the beginning of
 * the next one where there is none. Undefined after the last.
 */
export function positionOf(parts: readonly Part[], moment: number): number | undefined {
  for (const { start, duration, programDateTime, gap } of parts) {
    if (programDateTime === null || gap) continue;
    const into = (moment - programDateTime) / 1000;
    if (into < duration) return start + Math.max(0, into);
  }
  return undefined;
}
