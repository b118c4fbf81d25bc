import { command } from '../command.ts';
import { ago, printJson, printTable, shortId, styleOf } from './print.ts';

/** `keruta agent list` */
export const agentList = command({
  name: 'agent list',
  summary: 'Lists the agents that the server knows.',
  positionals: {},
  options: {},
  examples: ['keruta agent list'],
  run: async (context) => {
    const client = await context.makeClient();
    const agents = await client.agents.list({ signal: context.signal });
    if (context.json) {
      await printJson(context, agents);
      return 0;
    }
    const { green, red } = styleOf(context);
    await printTable(
      context,
      [
        { title: 'ID' },
        { title: 'HOST', shrinks: true },
        { title: 'ALIVE', paint: (cell) => (cell === 'yes' ? green(cell) : red(cell)) },
        { title: 'LABELS', shrinks: true },
        { title: 'SESSION' },
        { title: 'TASK' },
        { title: 'SEEN', align: 'right' },
        { title: 'VERSION' },
      ],
      agents.map((agent) => [
        shortId(agent.id),
        agent.hostname,
        agent.alive ? 'yes' : 'no',
        agent.labels.length === 0 ? '-' : agent.labels.join(', '),
        shortId(agent.sessionId),
        agent.taskId === null ? '-' : shortId(agent.taskId),
        ago(context, agent.lastSeenAt),
        agent.version,
      ]),
      'no agents; start one: keruta daemon --session-id SESSION',
    );
    return 0;
  },
});
