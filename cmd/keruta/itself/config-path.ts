import { existsSync } from 'node:fs';
import { command } from '../command.ts';
import { configPaths } from '../config-files.ts';

/** `keruta config path` */
export const configPath = command({
  name: 'config path',
  summary: 'Shows the configuration files that are read, the strongest first.',
  positionals: {},
  options: {},
  examples: ['keruta config path'],
  run: async (context, values) => {
    const named = (values as { readonly config?: string }).config ?? (context.env.KERUTA_CONFIG || null);
    const paths = configPaths({ named, home: context.home, cwd: context.cwd });
    const files = paths.map((path) => ({ path, exists: existsSync(path) }));
    await context.stdout.write(
      context.json
        ? `${JSON.stringify({ files })}\n`
        : files.map((file) => `${file.path}${file.exists ? '' : ' (not there)'}\n`).join(''),
    );
    return 0;
  },
});
