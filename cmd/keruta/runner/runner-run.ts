import { command } from '../command.ts';
import { fromSetting } from '../options.ts';

/** Exit status after Ctrl-C: 128 + SIGINT. */
const interrupted = 130;

/** `keruta runner run` */
export const runnerRun = command({
  name: 'runner run',
  summary: 'Does one agent task here and now: fetch, branch, work, test, commit, push, report.',
  description:
    'The file says what is wanted (YAML or JSON); --config says how tasks are done here: which coding agent works, how tests are run, who ' +
    'commits. The work is done in a slot of the pool of this machine, or in the one that the file names. Each phase is a section of the ' +
    'output; what was made is put among the artifacts. With --state a start that was broken off is gone on with. Inside of a task it speaks ' +
    'about that task. Ctrl-C ends the work, keeps what there is, and gives the slot back.',
  positionals: {},
  options: {
    file: {
      kind: 'path',
      short: 'f',
      placeholder: 'FILE',
      doc: 'what is wanted: context.yaml or .json; - reads it from stdin',
    },
    config: {
      kind: 'path',
      placeholder: 'FILE',
      doc: 'how tasks are done here: runner.yaml; also KERUTA_RUNNER_CONFIG',
    },
    state: {
      kind: 'path',
      placeholder: 'DIR',
      doc: 'where what was done is written down, so that another start goes on (default: nowhere)',
    },
    'artifacts-dir': fromSetting('artifactsDir', { doc: 'where what was made is put' }),
    'allow-local-git': fromSetting('allowLocalGit'),
  },
  examples: [
    'keruta runner run -f context.yaml',
    'keruta runner run -f context.yaml --config runner.yaml --json',
    'keruta runner run -f context.json --state /var/tmp/task-1.1',
  ],
  exits: { 1: 'the task failed', [interrupted]: 'it was stopped' },
  run: async (context, values) => {
    const { runTaskHere } = await import('./run-task-here.ts');
    const { relayOf } = await import('./relay-of.ts');
    const relay = relayOf(context);
    const { result, wasStopped } = await runTaskHere(relay?.context ?? context, {
      file: values.file,
      config: values.config ?? context.env.KERUTA_RUNNER_CONFIG,
      state: values.state,
      relay,
    });
    const status = wasStopped ? interrupted : result.success ? 0 : 1;
    await relay?.end(status);
    return status;
  },
});
