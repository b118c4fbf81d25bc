import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta breaker reset` */
export const breakerReset = command({
  name: 'breaker reset',
  summary: 'Closes the breaker of a workflow, so that it runs again at its next time.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta breaker reset nightly'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const done = await client.governance.resetBreaker(values.workflow, { signal: context.signal });
    if (context.json) await printJson(context, done);
    else await context.stdout.write(`${done.workflow}: was ${done.was}, is closed\n`);
    return 0;
  },
});
