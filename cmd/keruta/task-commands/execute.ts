import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../../../internal/domain/errors.ts';
import type { CommandContext } from '../command.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { findRun } from './in-run.ts';

/** `keruta execute` */
export const execute = command({
  name: 'execute',
  summary: 'Runs a script or a command line here, captured and reported for a task.',
  description:
    'With a task (--task-id or KERUTA_TASK_ID) its turn in the session is taken: output, artifacts and end are reported ' +
    'as the agent does, and without a script the task’s own is run. Without a task it runs here and now, unreported.',
  positionals: { script: { doc: 'a script file, or a command line in quotes', optional: true } },
  options: {
    'task-id': fromSetting('taskId'),
    'work-dir': { kind: 'path', placeholder: 'DIR', doc: 'where to run it (default: the current directory)' },
    timeout: { kind: 'duration', doc: 'longest run; 0 = none (default: the task’s own)' },
  },
  examples: ['keruta execute ./my-script.sh', 'keruta execute "python data_processing.py"'],
  exits: { 1: 'or any other: the status of what was run' },
  run: async (context, values) => {
    const { values: settings } = await context.settings();
    const workDir = resolve(context.cwd, values['work-dir'] ?? '.');
    if (!existsSync(workDir) || !statSync(workDir).isDirectory()) {
      throw new InputError(
        'KERUTA_ERR_BAD_VALUE',
        `--work-dir: expected a directory, got ${workDir}; make it first`,
      );
    }
    const script = values.script === undefined ? null : commandLine(context.cwd, values.script);
    const inRun = findRun(context.env, settings.taskId ?? undefined) !== null;
    if (settings.taskId !== null && !inRun) {
      const { executeTask } = await import('./execute-task.ts');
      const timeoutMs = values.timeout === undefined || values.timeout === 0 ? null : values.timeout;
      return executeTask(context, { taskId: settings.taskId, script, workDir, timeoutMs });
    }
    if (script === null) {
      throw new InputError(
        'KERUTA_ERR_USAGE',
        'script: expected a script or a task (--task-id), got neither',
      );
    }
    if (!inRun)
      await context.stderr.write(
        'keruta: no task is named (KERUTA_TASK_ID); what runs now is not reported\n',
      );
    return runHere(context, { script, workDir, timeoutMs: values.timeout ?? 0 });
  },
});

/** A file is run by its own interpreter, or by bash when it is not executable; anything else is a command line. */
function commandLine(cwd: string, script: string): string {
  if (script.trim() === '')
    throw new InputError('KERUTA_ERR_SCRIPT_EMPTY', 'script: expected a file or a command line, got nothing');
  const path = resolve(cwd, script);
  if (!existsSync(path) || !statSync(path).isFile()) return script;
  const quoted = `'${path.replaceAll("'", `'\\''`)}'`;
  try {
    accessSync(path, constants.X_OK);
    return `exec ${quoted}`;
  } catch {
    return `exec bash ${quoted}`;
  }
}

async function runHere(
  context: CommandContext,
  what: { readonly script: string; readonly workDir: string; readonly timeoutMs: number },
): Promise<number> {
  const { spawn } = await import('node:child_process');
  const { constants: system } = await import('node:os');
  const child = spawn('bash', ['-c', what.script], { cwd: what.workDir, stdio: 'inherit' });
  // The terminal sends Ctrl-C to the child as well; it decides.
  const giveBack = context.onStop((signal) => void child.kill(signal));
  const cancel =
    what.timeoutMs > 0 ? context.clock.after(what.timeoutMs, () => child.kill('SIGTERM')) : () => {};
  try {
    return await new Promise<number>((done, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => done(code ?? 128 + (signal ? system.signals[signal] : 0)));
    });
  } finally {
    cancel();
    giveBack();
  }
}
