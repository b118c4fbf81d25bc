import { command } from '../command.ts';
import { fromSetting } from '../options.ts';

/** `keruta dev` */
export const dev = command({
  name: 'dev',
  summary: 'Runs a file that uses the library in this terminal, and again whenever it changes.',
  description:
    'Functions run here, on time, by webhooks and when files change, without server and agent. What the file starts by itself ' +
    'is left to it. Webhooks are taken on 127.0.0.1, signed by GITHUB_WEBHOOK_SECRET or WEBHOOK_SECRET, those of Slack by ' +
    'SLACK_SIGNING_SECRET, or by nothing when none is set. Everything below the directory of the file counts as changed.',
  positionals: { file: { doc: 'a file in TypeScript or JavaScript' } },
  options: {
    port: {
      kind: 'int',
      range: [0, 65_535],
      default: 8000,
      doc: 'of the webhooks; 0 is any',
      placeholder: 'PORT',
    },
    timezone: fromSetting('timeZone'),
    reload: { kind: 'bool', doc: 'whether it starts again when something changes', default: true },
  },
  examples: ['keruta dev automation.ts', 'keruta dev automation.ts --port 9000 --timezone Asia/Tokyo'],
  run: async (context, values) => {
    const timezone = (await context.settings()).values.timeZone;
    if (values.reload) {
      const { reloading } = await import('../library/reloading.ts');
      return reloading(context, { ...values, timezone });
    }
    const { runHere } = await import('../library/run-here.ts');
    return runHere(context, { ...values, timezone });
  },
});
