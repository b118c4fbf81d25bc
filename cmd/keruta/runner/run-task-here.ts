/** Does an agent task in this process, as a dispatcher, a person or an agent asks for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InputError } from '../../../internal/domain/errors.ts';
import { doElsewhere } from '../../../internal/runner/do-elsewhere.ts';
import { doTask } from '../../../internal/runner/do-task.ts';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import { unreadTask } from '../../../internal/runner/result-of.ts';
import { resultJson, resultText } from '../../../internal/runner/result-words.ts';
import type { RunnerConfig, RunnerResult, RunnerTask } from '../../../internal/runner/runner.ts';
import type { RunnerFile } from '../../../internal/runner/runner-file.ts';
import { ownDirectory } from '../../../internal/worker/own-directory.ts';
import type { CommandContext } from '../command.ts';
import { printJson } from '../people/print.ts';
import { findRun } from '../task-commands/in-run.ts';
import { elsewhereOf, elsewhereWish } from './elsewhere-of.ts';
import { readRunnerInput } from './read-input.ts';
import type { Relay } from './relay-of.ts';
import { makeRunnerParts } from './runner-parts.ts';

/** What is asked for. */
export interface RunnerWish {
  /** `-` = stdin */
  readonly file: string | undefined;
  readonly config: string | undefined;
  /** undefined: what was done is forgotten at the end */
  readonly state: string | undefined;
  /** whether no service of somebody else's is told of it, nor a run that this process is a part of; default false */
  readonly isAlone?: boolean;
  /** default: nobody is handed over anything */
  readonly relay?: Relay | null;
}

/**
 * Does a task to its end and shows what it came to.
 * @throws {InputError} KERUTA_ERR_USAGE, KERUTA_ERR_CONFIG, KERUTA_ERR_TASK_CONTEXT; {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export async function runTaskHere(
  context: CommandContext,
  wish: RunnerWish,
): Promise<{ readonly result: RunnerResult; readonly wasStopped: boolean }> {
  if (wish.file === undefined)
    throw new InputError(
      'KERUTA_ERR_USAGE',
      'keruta runner run: expected what is wanted as --file FILE, got nothing',
    );
  const { task, file: taskFile } = await readTask(context, wish.file);
  const { config: named } = wish;
  const given =
    named === undefined
      ? { value: null, file: 'defaults' }
      : await readRunnerInput(context, named, 'KERUTA_ERR_CONFIG');
  const read = besideFile(
    readRunnerConfig({ ...given, env: context.env }),
    resolve(context.cwd, named ?? '.', '..'),
  );
  const isAlone = wish.isAlone === true;
  const config = isAlone ? { ...read, services: noServices } : read;
  const settings = await context.settings();
  ownDirectory(settings.values.baseDir, context.uid);
  const run = isAlone ? null : findRun(context.env);
  const fresh =
    wish.state === undefined && run === null ? mkdtempSync(join(tmpdir(), 'keruta-runner-')) : null;
  const directory =
    fresh ??
    (wish.state === undefined ? join(run?.directory ?? '', 'runner') : resolve(context.cwd, wish.state));
  const stop = new AbortController();
  const giveBack = context.onStop(() => stop.abort(new Error('the task was stopped')));
  const { parts, close } = await makeRunnerParts(context, {
    settings,
    config,
    directory,
    run,
    signal: stop.signal,
  });
  try {
    const asked = { settings, task, config, files: { task: taskFile, config: given }, run };
    const place = await elsewhereOf(context, asked);
    const { result, isTold } =
      place === null
        ? { result: await doTask(wish.relay?.parts(parts) ?? parts, task, config), isTold: false }
        : await doElsewhere(parts, { task, config, place, wish: elsewhereWish(context, asked) });
    if (context.json) await printJson(context, resultJson(result));
    else if (!isTold) await context.stdout.write(`${resultText(result)}\n`);
    return { result, wasStopped: stop.signal.aborted };
  } finally {
    giveBack();
    await close();
    if (fresh !== null) rmSync(fresh, { recursive: true, force: true });
  }
}

const noServices = { taskRegistryUrl: null, repoPoolUrl: null, artifactStoreUrl: null };

/** A program that is named by a relative path stands beside the file that names it: never in the repository, which is not trusted. */
function besideFile(config: RunnerConfig, directory: string): RunnerConfig {
  const { coder } = config;
  if (coder?.kind !== 'command' || !coder.template.command.includes('/')) return config;
  const template = { ...coder.template, command: resolve(directory, coder.template.command) };
  return { ...config, coder: { ...coder, template } };
}

/** What a dispatcher that reads results is told of a task that cannot begin; the error itself is told as of every command. */
async function readTask(
  context: CommandContext,
  named: string,
): Promise<{ readonly task: RunnerTask; readonly file: RunnerFile }> {
  try {
    const file = await readRunnerInput(context, named, 'KERUTA_ERR_TASK_CONTEXT');
    return { task: readRunnerTask(file), file };
  } catch (error) {
    if (context.json && error instanceof InputError && error.code === 'KERUTA_ERR_TASK_CONTEXT')
      await printJson(context, resultJson(unreadTask(error.message)));
    throw error;
  }
}
