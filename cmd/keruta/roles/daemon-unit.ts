import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { type SettingKey, settingKeys, settingsTable } from '../../../internal/config/table.ts';
import { formatValue } from '../../../internal/config/value.ts';
import { command } from '../command.ts';
import { daemonOptions } from './agent-flags.ts';

/** `keruta daemon unit` */
export const daemonUnit = command({
  name: 'daemon unit',
  summary: 'Prints a unit file for systemd that runs the agent with the options given here.',
  description:
    'Options of keruta daemon go into its command line, settings of the environment into the unit; the token never does: ' +
    'the unit names a file that holds it. Every line that is not plain says why it is there, and what was left out why.',
  positionals: {},
  options: {
    ...daemonOptions,
    user: {
      kind: 'bool',
      doc: 'a unit of this person alone (systemctl --user) in place of one of the machine',
    },
  },
  examples: [
    'keruta daemon unit --session-id website > /etc/systemd/system/keruta.service',
    'keruta daemon unit --user > ~/.config/systemd/user/keruta.service',
  ],
  run: async (context, values) => {
    const settings = await context.settings();
    const { unitText } = await import('./unit-text.ts');
    const { selfCommand } = await import('./self.ts');
    const config = (values as { readonly config?: string }).config ?? (context.env.KERUTA_CONFIG || null);
    const own = config === null ? [] : [`--config=${resolve(context.cwd, config)}`];
    await context.stdout.write(
      unitText({
        program: selfCommand(),
        words: ['daemon', ...own, ...flagsOf(settings)],
        environment: environmentOf(settings),
        user: values.user === true ? null : context.uid === 0 ? 'keruta' : userInfo().username,
        tokenFile: settings.origins.apiToken.from === 'file' ? 'config' : settings.values.apiTokenFile,
        version: context.version,
      }),
    );
    return 0;
  },
});

/** What the unit tells in ways of its own, or must not tell at all. */
const apart: readonly SettingKey[] = ['apiToken', 'apiTokenFile', 'taskId'];

function keysFrom({ origins }: LoadedSettings, from: 'flag' | 'environment'): readonly SettingKey[] {
  return settingKeys.filter((key) => {
    const { roles, secret } = settingsTable[key];
    const isAgents = roles.includes('agent') || roles.includes('client');
    return origins[key].from === from && isAgents && secret !== true && !apart.includes(key);
  });
}

/** The flags that were given, with paths made absolute. */
function flagsOf(settings: LoadedSettings): readonly string[] {
  return keysFrom(settings, 'flag').map((key) => {
    const { flag, kind } = settingsTable[key];
    const value = settings.values[key];
    if (kind === 'bool') return value === true ? `--${flag}` : `--no-${flag}`;
    return `--${flag}=${formatValue(kind, value)}`;
  });
}

/** The settings that stand in the environment now, and would not be there when systemd starts the agent. */
function environmentOf(settings: LoadedSettings): readonly (readonly [string, string])[] {
  return keysFrom(settings, 'environment').map((key) => {
    return [settings.origins[key].name, formatValue(settingsTable[key].kind, settings.values[key])] as const;
  });
}
