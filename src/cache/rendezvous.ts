/**
 * The index of the server that holds a key: the one with the highest score for it (rendezvous hashing).
 * Every replica with the same list of servers, in whatever order, chooses the same, and when one of n servers
 * leaves only its keys move.
 */
export function rendezvous(servers: readonly string[], key: string): number {
  let chosen = 0;
  let highest = -1;
  for (const [index, server] of servers.entries()) {
    const score = hash(`${server} ${key}`);
    const better = score > highest || (score === highest && server > servers[chosen]!);
    if (better) {
      chosen = index;
      highest = score;
    }
  }
  return chosen;
}

/** FNV-1a with the finalizer of MurmurHash3, 32 bits: spreads keys that differ in one character. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
