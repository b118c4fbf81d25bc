import { command } from '../command.ts';
import { findSession } from './find.ts';
import { printJson } from './print.ts';

/** `keruta session delete` */
export const sessionDelete = command({
  name: 'session delete',
  summary: 'Deletes a session with its tasks, logs and artifacts. There is no way back.',
  positionals: { session: { doc: 'name, id or beginning of an id' } },
  options: {},
  examples: ['keruta session delete website'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const session = await findSession(context, client, values.session);
    await client.sessions.delete(session.id, { signal: context.signal });
    if (context.json) await printJson(context, { id: session.id, deleted: true });
    else await context.stdout.write(`session ${session.name} is deleted\n`);
    return 0;
  },
});
