import { command } from '../command.ts';
import { configPaths } from '../config-files.ts';

/** `keruta config set` */
export const configSet = command({
  name: 'config set',
  summary: 'Writes one setting into the configuration file; comments in it stay.',
  description:
    'The file is ~/.keruta/config.yaml, or the one of --config. It is written beside itself and then renamed, with mode 0600.',
  positionals: {
    key: { doc: 'file key (api.url), variable (KERUTA_API_URL) or flag (--api-url) of the setting' },
    value: { doc: 'the value, with or without unit' },
  },
  options: {},
  examples: [
    'keruta config set api.url http://keruta.example:8585',
    'keruta config set artifacts.max_size 200MB',
  ],
  run: async (context, values) => {
    const { setInFile, settingForFile } = await import('../../../internal/config/edit-file.ts');
    const { settingsTable } = await import('../../../internal/config/table.ts');
    const { readOwnFile, replaceFile } = await import('../own-file.ts');
    const named = (values as { readonly config?: string }).config ?? (context.env.KERUTA_CONFIG || null);
    const path = configPaths({ named, home: context.home, cwd: context.cwd })[0] ?? '';
    const key = settingForFile(values.key);
    const before = readOwnFile(path);
    replaceFile(path, setInFile(before ?? '', key, values.value), context.random.secret(6));
    const name = settingsTable[key].fileKeys[0];
    const overruled = settingsTable[key].variables.find((variable) => context.env[variable]);
    if (overruled) await context.stderr.write(`keruta: ${overruled} is set and overrules the file\n`);
    await context.stdout.write(
      context.json ? `${JSON.stringify({ path, key: name })}\n` : `${name} is set in ${path}\n`,
    );
    return 0;
  },
});
