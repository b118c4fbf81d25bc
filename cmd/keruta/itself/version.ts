import { command } from '../command.ts';

/** `keruta version` */
export const version = command({
  name: 'version',
  summary: 'Shows the version of keruta, and of what it runs on.',
  positionals: {},
  options: {},
  examples: ['keruta version', 'keruta version --json'],
  run: async (context) => {
    const about = {
      version: context.version,
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    await context.stdout.write(
      context.json
        ? `${JSON.stringify(about)}\n`
        : `keruta ${about.version} (Node ${about.node}, ${about.platform})\n`,
    );
    return 0;
  },
});
