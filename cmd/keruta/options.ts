/** Options that come from the settings table, and those that every command has. */
import { type KindOf, type SettingKey, settingsTable } from '../../internal/config/table.ts';
import type { CommandOption, OptionMap } from './command.ts';

/**
 * Makes the option of a setting. Its value reaches the command by `context.settings()`, whichever source it came from.
 * @param changes  what differs in this command, such as a doc that says more
 */
export function fromSetting<const K extends SettingKey>(
  setting: K,
  changes: { readonly doc?: string; readonly short?: string; readonly aliases?: readonly string[] } = {},
): CommandOption & { readonly kind: KindOf<K>; readonly setting: K } {
  const row = settingsTable[setting];
  return {
    kind: row.kind as KindOf<K>,
    doc: row.doc,
    setting,
    ...(row.choices ? { choices: row.choices } : {}),
    ...changes,
  };
}

/** Options of every command. */
export const globalOptions = {
  help: { kind: 'bool', short: 'h', doc: 'show this help' },
  json: { kind: 'bool', doc: 'print the answer as JSON, and errors too (on stderr)' },
  verbose: { kind: 'bool', short: 'v', doc: 'log everything, as --log-level DEBUG does' },
  'api-url': fromSetting('apiUrl'),
  'api-token-file': fromSetting('apiTokenFile'),
  'require-tls': fromSetting('requireTls'),
  'api-timeout': fromSetting('apiTimeout'),
  'base-dir': fromSetting('baseDir'),
  'log-level': fromSetting('logLevel'),
  'log-format': fromSetting('logFormat'),
  config: {
    kind: 'path',
    placeholder: 'FILE',
    doc: 'configuration file, in place of /etc/keruta/config.yaml and ~/.keruta/config.yaml; also KERUTA_CONFIG',
  },
  'env-file': {
    kind: 'path',
    placeholder: 'FILE',
    doc: 'file of NAME=value lines that count as environment, where the environment itself has no such name',
  },
} as const satisfies OptionMap;

/** The options of a command with the global ones; its own win. */
export function allOptions(options: OptionMap): OptionMap {
  return { ...globalOptions, ...options };
}
