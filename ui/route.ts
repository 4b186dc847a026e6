import { type ReadonlySignal, signal } from '@preact/signals';

/** What the address behind the `#` shows. No name of a source begins with a slash. */
export type Route =
  | { readonly view: 'list' } // #/
  | { readonly view: 'player'; readonly name: string } // #NAME
  | { readonly view: 'recordings'; readonly source: string } // #/recordings, #/recordings?source=NAME; '' is all
  | { readonly view: 'recording'; readonly id: string }; // #/recordings/ID

export function hashRoute(): ReadonlySignal<Route> {
  const route = signal(readHash(location.hash));
  addEventListener('hashchange', () => {
    route.value = readHash(location.hash);
    scrollTo(0, 0);
  });
  return route;
}

export const hashOf = (name: string): string => `#${encodeURIComponent(name)}`;
export const recordingHash = (id: string): string => `#/recordings/${encodeURIComponent(id)}`;
export const recordingsHash = (source = ''): string =>
  source === '' ? '#/recordings' : `#/recordings?source=${encodeURIComponent(source)}`;

export function readHash(hash: string): Route {
  const text = hash.slice(1);
  const [, id, source] = /^\/recordings(?:\/([^?]*))?(?:\?source=(.*))?$/.exec(text) ?? [];
  if (id) return { view: 'recording', id: decoded(id) };
  if (/^\/recordings\b/.test(text)) return { view: 'recordings', source: decoded(source ?? '') };
  if (text === '' || text.startsWith('/')) return { view: 'list' };
  return { view: 'player', name: decoded(text) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
