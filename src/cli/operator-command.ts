import type { Command } from 'commander';
import * as types from '../runtime/setting-types.ts';
import { defineSettings, setting, type ValuesOf } from '../runtime/settings.ts';
import { askControl } from './operator-client.ts';
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
  readonly control: URL;
  readonly token: string | undefined;
  /** Throws `OperatorFailed` with what control said and what to do. */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
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
  const own = new Set(inner.options.map((option) => option.attributeName()));
  inner.action(async (...given: unknown[]) => {
    const names = given.filter((each) => typeof each === 'string');
    const options = inner.opts<Record<string, string>>();
    const settings = Object.fromEntries(Object.entries(options).filter(([name]) => !own.has(name)));
    await action(operatorOf(await readFor(operatorSettings, settings)), names, options);
  });
  withSettings(inner, operatorSettings);
  if (flags.length === 0) return;
  const width = Math.max(...flags.map(([form]) => form.length)) + 2;
  const lines = flags.map(([form, help]) => `  ${form.padEnd(width)}${help}`);
  inner.addHelpText('after', ['', 'Of this command:', ...lines].join('\n'));
}

const operatorOf = ({ controlUrl, adminToken: token }: ValuesOf<typeof operatorSettings>): Operator => {
  const control = controlUrl[0]!;
  return { control, token, ask: (method, path, body) => askControl(control, token, method, path, body) };
};
