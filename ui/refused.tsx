/** Why something was refused, said as soon as it is known. */
export function Refused({ why }: { why: string }) {
  return (
    <p class="refused" role="status">
      {why}
    </p>
  );
}
