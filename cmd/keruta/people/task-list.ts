import { command } from '../command.ts';
import { findSession } from './find.ts';
import { ago, paintStatus, printJson, printTable, shortId, taskEnd, taskSpan } from './print.ts';

/** `keruta task list` */
export const taskList = command({
  name: 'task list',
  summary: 'Lists the tasks of a session.',
  positionals: {},
  options: {
    session: {
      kind: 'string',
      aliases: ['session-id'],
      placeholder: 'SESSION',
      doc: 'name, id or beginning of an id (KERUTA_SESSION_ID; default `default`)',
    },
    all: { kind: 'bool', short: 'a', doc: 'the tasks of all sessions' },
    status: {
      kind: 'enum',
      choices: ['PENDING', 'PROCESSING', 'WAITING_FOR_INPUT', 'COMPLETED', 'FAILED', 'CANCELLED', 'LOST'],
      doc: 'only those in this state',
    },
  },
  examples: ['keruta task list', 'keruta task list --all --status FAILED'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const options = { signal: context.signal };
    const found = values.all
      ? await client.tasks.list(options)
      : await client.sessions.tasks(
          (await findSession(context, client, values.session)).id,
          undefined,
          options,
        );
    const tasks = found.filter((task) => values.status === undefined || task.status === values.status);
    if (context.json) {
      await printJson(context, tasks);
      return 0;
    }
    await printTable(
      context,
      [
        { title: 'ID' },
        { title: 'NAME', shrinks: true },
        { title: 'STATUS', paint: (cell) => paintStatus(context, cell) },
        { title: 'PROGRESS', align: 'right' },
        { title: 'END', align: 'right' },
        { title: 'DURATION', align: 'right' },
        { title: 'AGE', align: 'right' },
        { title: 'MESSAGE', shrinks: true },
      ],
      tasks.map((task) => [
        shortId(task.id),
        task.name,
        task.status,
        `${task.progress} %`,
        taskEnd(task),
        taskSpan(context, task),
        ago(context, task.createdAt),
        task.message,
      ]),
      'no tasks; add one: keruta task add SCRIPT',
    );
    return 0;
  },
});
