/**
 * Something the person who started the process gave is wrong. The message is one line that names the setting as it
 * was given and what to do; the command line prints it and exits with 2.
 */
export class SettingsError extends Error {
  constructor(
    /** As the user gave it: `--listen`, `LIVEMIX_LISTEN` or a key of the file. */
    readonly setting: string,
    /** What is wrong and what to do, in one sentence each. */
    readonly problem: string,
    options: ErrorOptions = {},
  ) {
    super(`${setting}: ${problem}`, options);
    this.name = 'SettingsError';
  }
}

/** A value as it can stand in a one-line message: quoted, escaped, shortened. */
export const shown = (value: string): string =>
  JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
