import { command } from '../command.ts';
import { findSession } from './find.ts';
import { printJson } from './print.ts';

/** `keruta session close` */
export const sessionClose = command({
  name: 'session close',
  summary: 'Ends a session: it takes no more tasks, and its agent stops when all is delivered.',
  positionals: { session: { doc: 'name, id or beginning of an id' } },
  options: {},
  examples: ['keruta session close website'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const session = await findSession(context, client, values.session);
    const closed = await client.sessions.close(session.id, { signal: context.signal });
    if (context.json) await printJson(context, closed);
    else await context.stdout.write(`session ${session.name} is closed\n`);
    return 0;
  },
});
