/** A source's name: `camera-0`. The same alphabet as a rendition's, so that both can stand in a URL and a file name. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const isName = (text: string): boolean => NAME_PATTERN.test(text);

/** The rendition of a source that has only one. */
export const MAIN = 'main';
