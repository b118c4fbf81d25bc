import { command } from '../command.ts';
import { findSession } from './find.ts';
import { printFields, printJson, sessionFields } from './print.ts';

/** `keruta session show` */
export const sessionShow = command({
  name: 'session show',
  summary: 'Shows one session, and how many of its tasks are in which state.',
  positionals: {
    session: { doc: 'name, id or beginning of an id; default: the session in use', optional: true },
  },
  options: {},
  examples: ['keruta session show website'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const session = await findSession(context, client, values.session);
    const tasks = await client.sessions.tasks(session.id, undefined, { signal: context.signal });
    const counts: Record<string, number> = {};
    for (const task of tasks) counts[task.status] = (counts[task.status] ?? 0) + 1;
    if (context.json) {
      await printJson(context, { ...session, taskCounts: counts });
      return 0;
    }
    const summary = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
    await printFields(context, [...sessionFields(session), ['tasks', summary.join(', ') || 'none']]);
    return 0;
  },
});
