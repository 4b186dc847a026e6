import { type ReadonlySignal, signal } from '@preact/signals';

/** The source named behind the `#`, or undefined for the list. */
export function hashRoute(): ReadonlySignal<string | undefined> {
  const route = signal(readHash(location.hash));
  addEventListener('hashchange', () => {
    route.value = readHash(location.hash);
    scrollTo(0, 0);
  });
  return route;
}

export const hashOf = (name: string): string => `#${encodeURIComponent(name)}`;

function readHash(hash: string): string | undefined {
  const text = hash.slice(1);
  // `#/` is the list's own address: no name begins with a slash.
  if (text === '' || text === '/') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
