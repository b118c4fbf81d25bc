import { command } from '../command.ts';
import { fromSetting } from '../options.ts';

/** Exit status after Ctrl-C: 128 + SIGINT. */
const interrupted = 130;

/** `keruta playbook run` */
export const playbookRun = command({
  name: 'playbook run',
  summary: 'Runs a playbook here and now, without server and agent.',
  description:
    'Each step is a section of the output. Ctrl-C ends the step that runs, with every process that came from it, and then runs the steps ' +
    'that are marked `always`; a second Ctrl-C ends those too. With --state a start that was broken off is gone on with: steps that ended ' +
    'are not run again. Inside a task each step is told to it too.',
  positionals: { playbook: { doc: 'a name that keruta playbook list shows, or a file' } },
  options: {
    param: {
      kind: 'list',
      placeholder: 'NAME=VALUE',
      doc: 'a parameter, for conditions and as KERUTA_PARAM_NAME; may be given more than once',
    },
    params: { kind: 'string', placeholder: 'JSON', doc: 'parameters as a JSON object' },
    'work-dir': { kind: 'path', placeholder: 'DIR', doc: 'where to run it (default: the current directory)' },
    state: {
      kind: 'path',
      placeholder: 'DIR',
      doc: 'where what was done is written down, so that another start goes on (default: nowhere)',
    },
    'artifacts-dir': fromSetting('artifactsDir', { doc: 'where files that steps keep are put' }),
  },
  examples: [
    'keruta playbook run ci',
    'keruta playbook run ./release.yaml --param version=1.2.0',
    'keruta playbook run ci --state /tmp/ci-run --json',
  ],
  exits: { 1: 'a step failed', [interrupted]: 'it was stopped' },
  run: async (context, values) => {
    const { parametersOf } = await import('./submit.ts');
    const { runPlaybookHere } = await import('./playbook-here.ts');
    const { status } = await runPlaybookHere(context, {
      named: values.playbook,
      parameters: parametersOf(values),
      workDir: values['work-dir'] ?? '.',
      stateDirectory: values.state ?? null,
    });
    return { success: 0, failure: 1, cancelled: interrupted }[status];
  },
});
