import type { Command } from 'commander';
import { nearestName } from '../runtime/nearest-name.ts';
import * as types from '../runtime/setting-types.ts';
import { defineSettings, setting, type ValuesOf } from '../runtime/settings.ts';
import { askControl, askPages, openAnswer } from './operator-client.ts';
import { readFor, withSettings } from './read-settings.ts';

/** The settings of operator commands. */
export const operatorSettings = defineSettings({
  controlUrl: setting({
    env: 'LIVEMIX_CONTROL_URL',
    parse: types.urlList,
    default: 'http://127.0.0.1:8080',
    help: 'The control node to ask.',
  }),
  adminToken: setting({
    env: 'LIVEMIX_ADMIN_TOKEN',
    parse: types.token,
    secret: true,
    help: 'The administrator token of control, where it has one.',
  }),
});

/** A control node that a command asks. */
export type Operator = {
  /** Throws `OperatorFailed` with what control said and what to do. */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** A list, page by page. Throws as `ask` does. */
  pages<T>(path: string): AsyncIterable<readonly T[]>;
  /** The body of an answer that may be long, as it comes. Throws as `ask` does. */
  open(method: string, path: string): Promise<{ headers: Headers; body: ReadableStream<Uint8Array> }>;
};

/** A flag of one command, beside the settings of all. */
export type Flag = readonly [form: string, help: string];

type OperatorAction = (
  operator: Operator,
  names: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
) => Promise<void>;

/** Adds a command that asks a control node. */
export function addOperatorCommand(
  command: Command,
  usage: string,
  description: string,
  action: OperatorAction,
  { isDefault = false, flags = [] }: { readonly isDefault?: boolean; readonly flags?: readonly Flag[] } = {},
): void {
  const inner = command.command(usage, { isDefault }).description(description);
  for (const [form, help] of flags) inner.option(form, help);
  if (flags.length > 0) {
    const width = Math.max(...flags.map(([form]) => form.length)) + 2;
    const lines = flags.map(([form, help]) => `  ${form.padEnd(width)}${help}`);
    inner.addHelpText('after', ['', 'Of this command:', ...lines].join('\n'));
  }
  // The default command is given what no other one is named by, so that what is too much for it is an unknown command.
  inner.allowExcessArguments(isDefault);
  const own = new Set(inner.options.map((option) => option.attributeName()));
  inner.action(async (...given: unknown[]) => {
    if (isDefault) refuseUnknown(command, inner);
    const names = given.filter((each) => typeof each === 'string');
    const options = inner.opts<Record<string, string>>();
    const settings = Object.fromEntries(Object.entries(options).filter(([name]) => !own.has(name)));
    await action(operatorOf(await readFor(operatorSettings, settings)), names, options);
  });
  withSettings(inner, operatorSettings);
}

function refuseUnknown(command: Command, inner: Command): void {
  const [first] = inner.args;
  if (first === undefined) return;
  if (command.args[0] === inner.name()) inner.error(`error: too many arguments for '${inner.name()}'`);
  const known = command.commands.map((each) => each.name());
  const meant = nearestName(first, known);
  const mend = meant === undefined ? `There are: ${known.join(', ')}.` : `Did you mean ${meant}?`;
  inner.error(`error: unknown command '${first}' of '${command.name()}'. ${mend}`);
}

const operatorOf = ({ controlUrl, adminToken: token }: ValuesOf<typeof operatorSettings>): Operator => {
  const asked = { control: controlUrl[0]!, token };
  return {
    ask: (method, path, body) => askControl(asked, method, path, body),
    pages: (path) => askPages(asked, path),
    open: (method, path) => openAnswer(asked, method, path),
  };
};
