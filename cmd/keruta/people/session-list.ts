import { command } from '../command.ts';
import { ago, paintStatus, printJson, printTable, shortId } from './print.ts';

/** `keruta session list` */
export const sessionList = command({
  name: 'session list',
  summary: 'Lists the sessions.',
  positionals: {},
  options: {
    status: {
      kind: 'enum',
      choices: ['ACTIVE', 'INACTIVE', 'COMPLETED', 'ARCHIVED'],
      doc: 'only those in this state',
    },
  },
  examples: ['keruta session list', 'keruta session list --status ACTIVE --json'],
  run: async (context, { status }) => {
    const client = await context.makeClient();
    const all = await client.sessions.list({ signal: context.signal });
    const sessions = all.filter((session) => status === undefined || session.status === status);
    if (context.json) {
      await printJson(context, sessions);
      return 0;
    }
    await printTable(
      context,
      [
        { title: 'ID' },
        { title: 'NAME', shrinks: true },
        { title: 'STATUS', paint: (cell) => paintStatus(context, cell) },
        { title: 'AGE', align: 'right' },
        { title: 'REPOSITORY', shrinks: true },
      ],
      sessions.map((session) => [
        shortId(session.id),
        session.name,
        session.status,
        ago(context, session.createdAt),
        session.repositoryUrl ?? '-',
      ]),
      'no sessions; make one: keruta session create NAME',
    );
    return 0;
  },
});
