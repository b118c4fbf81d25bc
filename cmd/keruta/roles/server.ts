import { type CommandContext, command } from '../command.ts';
import { serverOptions } from './server-flags.ts';
import type { StartedServer } from './start-server.ts';

/** `keruta server` */
export const server = command({
  name: 'server',
  summary: 'Runs the server: the session API, on SQLite or PostgreSQL.',
  description:
    'The first start makes an admin token and writes it to <data directory>/admin.token (0600). ' +
    'SIGTERM lets requests under way end. HOST, PORT, DEBUG and DATABASE_URL are read too.',
  positionals: {},
  options: serverOptions,
  examples: [
    'keruta server',
    'keruta server --port 0 --data-dir ./data',
    'keruta server --database-url postgres://keruta@db/keruta',
  ],
  run: async (context) => {
    const { values } = await context.settings();
    const { withLog } = await import('./open-log.ts');
    const { startServer } = await import('./start-server.ts');
    return withLog(context, values, async (log) => {
      const started = await startServer(context, values, log);
      try {
        await tellAddress(context, started);
        await stopped(context);
        log.info('stopping; requests under way may end');
      } finally {
        await started.close();
      }
      return 0;
    });
  },
});

/** Prints where a server listens, and where its token is: the answer of `server` and `up`, on stdout. */
export async function tellAddress(context: CommandContext, started: StartedServer): Promise<void> {
  const { url, webhooksUrl, tokenFile, token } = started;
  if (context.json) return context.stdout.write(`${JSON.stringify({ url, webhooksUrl, tokenFile })}\n`);
  const about =
    tokenFile === null
      ? token === null
        ? 'no token is needed'
        : 'the admin token is the one that was set'
      : `the admin token is in ${tokenFile}`;
  const hooks = webhooksUrl === null ? '' : `webhooks are taken on ${webhooksUrl}\n`;
  await context.stdout.write(`keruta listens on ${url}\n${hooks}${about}\n`);
}

function stopped(context: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    context.onStop((_name, count) => {
      if (count > 2) process.exit(1);
      resolve();
    });
  });
}
