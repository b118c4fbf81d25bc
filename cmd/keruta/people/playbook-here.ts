/** Runs a playbook in this process, as a person or a script asks for it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../../internal/domain/errors.ts';
import { parameterText, parameterVariable } from '../../../internal/domain/parameter-variable.ts';
import { eventWords } from '../../../internal/playbook/event-words.ts';
import { fileState } from '../../../internal/playbook/file-state.ts';
import { makeLocalSteps } from '../../../internal/playbook/local-steps.ts';
import type { PlaybookEvent, PlaybookResult } from '../../../internal/playbook/playbook.ts';
import { runPlaybook } from '../../../internal/playbook/run-playbook.ts';
import { memoryState, openRun } from '../../../internal/playbook/run-state.ts';
import { privateFault } from '../../../internal/worker/artifacts/own-places.ts';
import { nearest } from '../../../pkg/text/nearest.ts';
import type { CommandContext } from '../command.ts';
import { placesOfCommand } from '../own-places.ts';
import { appendToMailbox, findRun } from '../task-commands/in-run.ts';
import { filePlaybook, type ReadPlaybook, readPlaybook } from './playbook-files.ts';
import { makePlaybookView } from './playbook-view.ts';

/** What is asked for. */
export interface PlaybookWish {
  /** a name, or a file */
  readonly named: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** relative to where one stands, or absolute */
  readonly workDir: string;
  /** null = nothing is written down */
  readonly stateDirectory: string | null;
}

/**
 * Runs a playbook to its end and shows it.
 * @throws {InputError} KERUTA_ERR_PLAYBOOK, KERUTA_ERR_BAD_VALUE; {NotFoundError}; {ConflictError} when its state says that it cannot go on
 */
export async function runPlaybookHere(context: CommandContext, wish: PlaybookWish): Promise<PlaybookResult> {
  const workingDirectory = resolve(context.cwd, wish.workDir);
  if (statSync(workingDirectory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `--work-dir: expected a directory, got ${workingDirectory}; make it first`,
    );
  const parameters = { ...parametersOfTask(context), ...wish.parameters };
  const read = await readPlaybook(context, await filePlaybook(context, wish.named), parameters);
  refuseUnknownParameters(read, wish.parameters);
  const loaded = await context.settings();
  const settings = loaded.values;
  const places = placesOfCommand(context, loaded, findRun(context.env));
  const state = wish.stateDirectory === null ? null : fileState(resolve(context.cwd, wish.stateDirectory));
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'keruta-playbook-'));
  const told = { name: read.playbook.name, count: read.steps.length };
  const view = makePlaybookView(context, told);
  const stop = new AbortController();
  const abandon = new AbortController();
  const giveBack = context.onStop((_name, count) => {
    (count === 1 ? stop : abandon).abort();
    if (count === 1) void context.stderr.write('keruta: stopping; Ctrl-C again ends what always runs too\n');
  });
  try {
    const run = openRun(state ?? memoryState(), {
      steps: read.steps,
      values: read.parameters,
      newId: context.random.uuid4(),
    });
    const { clock } = context;
    const tell = makeTeller(context, told);
    const runner = makeLocalSteps({
      clock,
      runId: run.id,
      workingDirectory,
      artifactsDirectory: settings.artifactsDir ?? join(workingDirectory, '.keruta', 'doc'),
      scratchDirectory,
      isPrivate: (path) => privateFault(path, places) !== null,
      env: environmentOf(context, read.parameters),
      output: (stream, bytes) => view.output(stream, bytes),
    });
    const result = await runPlaybook(read.steps, {
      clock,
      runner,
      run,
      scope: {
        values: read.parameters,
        exists: (name) => existsSync(resolve(workingDirectory, name)),
      },
      on: async (event) => {
        tell(event);
        await view.on(event);
      },
      signal: stop.signal,
      abandon: abandon.signal,
    });
    await view.end(result);
    return result;
  } finally {
    giveBack();
    state?.letGo();
    rmSync(scratchDirectory, { recursive: true, force: true });
  }
}

/** A playbook that says which parameters it has takes no others: a mistyped one would change nothing, without a word. */
function refuseUnknownParameters(
  { playbook, declared }: ReadPlaybook,
  given: Readonly<Record<string, unknown>>,
): void {
  const unknown = Object.keys(given).find((name) => !declared.includes(name));
  if (declared.length === 0 || unknown === undefined) return;
  const meant = nearest(unknown, declared);
  const hint = meant === null ? `expected one of ${declared.join(', ')}` : `did you mean ${meant}?`;
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `--param: ${playbook.file} has no parameter ${unknown}; ${hint}`,
  );
}

/** Those of the task that this process is a part of; none outside of one. */
function parametersOfTask(context: CommandContext): Readonly<Record<string, unknown>> {
  const file = context.env.KERUTA_PARAMETERS_FILE;
  if (!file || findRun(context.env) === null) return {};
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    context.log.warn('the parameters of the task cannot be read', { error });
    return {};
  }
}

function environmentOf(
  context: CommandContext,
  parameters: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const inherited = Object.entries(context.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const given = Object.entries(parameters).map(([name, value]) => [
    parameterVariable(name),
    parameterText(value),
  ]);
  return Object.fromEntries([...inherited, ...given]);
}

/** Inside a task the steps are told to it. What cannot be told does not keep a step from running. */
function makeTeller(
  context: CommandContext,
  told: { readonly name: string; readonly count: number },
): (event: PlaybookEvent) => void {
  const run = findRun(context.env);
  return (event) => {
    if (run === null) return;
    try {
      for (const words of eventWords(event, told)) appendToMailbox(run, words);
    } catch (error) {
      context.log.warn('a step could not be told to the task', { error });
    }
  };
}
