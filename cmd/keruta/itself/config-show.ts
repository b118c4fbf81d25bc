import { type SettingKey, settingKeys, settingsTable } from '../../../internal/config/table.ts';
import { formatValue } from '../../../internal/config/value.ts';
import { formatTable } from '../../../pkg/table/table.ts';
import { makeStyle, wantsColours } from '../../../pkg/terminal/style.ts';
import { command } from '../command.ts';

/** What stands in place of a secret. */
const mask = '********';

/** `keruta config show` */
export const configShow = command({
  name: 'config show',
  summary: 'Shows every setting with its value and where it came from; secrets are masked.',
  positionals: {},
  options: {
    format: { kind: 'enum', choices: ['text', 'json'], default: 'text', doc: 'json is the same as --json' },
  },
  examples: ['keruta config show', 'keruta config show --json'],
  run: async (context, { format }) => {
    const { values, origins } = await context.settings();
    const shown = settingKeys.map((key) => ({
      key,
      name: settingsTable[key].fileKeys[0] ?? settingsTable[key].variables[0] ?? key,
      value: shownValue(key, values[key]),
      from: origins[key].from,
      origin: origins[key].name,
      variable: settingsTable[key].variables[0] ?? null,
    }));
    if (context.json || format === 'json') {
      await context.stdout.write(`${JSON.stringify({ settings: shown })}\n`);
      return 0;
    }
    const style = makeStyle(wantsColours(context.env, context.stdout.isTerminal));
    await context.stdout.write(
      formatTable({
        columns: [
          { title: 'SETTING' },
          { title: 'VALUE', shrinks: true },
          { title: 'FROM', paint: style.dim },
        ],
        rows: shown.map((one) => [one.name, one.value ?? '-', one.origin || one.from]),
        width: context.stdout.isTerminal ? context.stdout.columns : 0,
        paintTitle: style.bold,
      }),
    );
    return 0;
  },
});

function shownValue(key: SettingKey, value: Parameters<typeof formatValue>[1]): string | null {
  if (value === null) return null;
  return settingsTable[key].secret ? mask : formatValue(settingsTable[key].kind, value);
}
