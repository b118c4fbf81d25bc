import { command } from '../command.ts';

/** `keruta replay` */
export const replay = command({
  name: 'replay',
  summary:
    'Runs a task once more here, apart from its session: same script, ref, parameters and environment.',
  description:
    'It runs in a fresh clone of its own, which is gone afterwards, unless --at names a place for it. The server is asked what the task ' +
    'was, and is told nothing: no attempt, no output, no artifact. What is not known is said. Variables that the task had and that are ' +
    'not set here are asked for at the terminal when they look like secrets; they are kept nowhere. Of an agent task the work is done ' +
    'anew on a branch of its own, which is not pushed. Ctrl-C ends it and leaves nothing behind.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {
    env: {
      kind: 'list',
      placeholder: 'NAME',
      doc: 'a variable of this environment, or of --env-file, that the script gets too; NAME=VALUE sets it; may be given more than once',
    },
    at: { kind: 'path', placeholder: 'DIR', doc: 'a new or empty directory for the clone, which then stays' },
    'runner-config': {
      kind: 'path',
      placeholder: 'FILE',
      doc: 'how an agent task is done: runner.yaml; also KERUTA_RUNNER_CONFIG',
    },
  },
  examples: [
    'keruta replay 3f2a',
    'keruta replay 3f2a --at /tmp/again --env DEPLOY_KEY',
    'keruta replay 3f2a --runner-config runner.yaml',
  ],
  exits: {
    1: 'or any other: the status of the script; of an agent task, that it failed',
    125: 'keruta itself failed, and the statuses above (2 to 6, 70) are the script’s',
    130: 'it was stopped',
  },
  failureExit: 125,
  run: async (context, values) => {
    const { replayTask } = await import('./replay-task.ts');
    return replayTask(context, {
      task: values.task,
      variables: values.env ?? [],
      at: values.at ?? null,
      runnerConfig: values['runner-config'] ?? context.env.KERUTA_RUNNER_CONFIG ?? null,
    });
  },
});
