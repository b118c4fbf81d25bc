import { command } from '../command.ts';
import { fromSetting } from '../options.ts';

/** `keruta schedule start` */
export const scheduleStart = command({
  name: 'schedule start',
  summary: 'Runs the functions of a file at their time, in this terminal, without server and agent.',
  description:
    'What webhooks and files would start is left alone: see keruta dev. What falls due while this does not run is not made ' +
    'good: see keruta deploy.',
  positionals: {
    file: {
      doc: 'a file in TypeScript or JavaScript that uses the library; default automation.ts',
      optional: true,
    },
  },
  options: {
    timezone: fromSetting('timeZone'),
  },
  examples: ['keruta schedule start', 'keruta schedule start reports.ts --timezone Asia/Tokyo'],
  run: async (context, { file = 'automation.ts' }) => {
    const timezone = (await context.settings()).values.timeZone;
    const { runHere } = await import('../library/run-here.ts');
    return runHere(context, { file, timezone, port: null });
  },
});
