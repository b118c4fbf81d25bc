import { existsSync, rmSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parseLogLevel } from '../../domain/log-level.ts';
import { parameterText, parameterVariable } from '../../domain/parameter-variable.ts';
import { attemptText, eventWords, outcomeText, stepTitle } from '../../playbook/event-words.ts';
import { expandPlaybook } from '../../playbook/expand-playbook.ts';
import { fileState } from '../../playbook/file-state.ts';
import { findPlaybooks, makeLoader, readPlaybookFile } from '../../playbook/find-playbooks.ts';
import { makeLocalSteps } from '../../playbook/local-steps.ts';
import { parsePlaybook } from '../../playbook/parse-playbook.ts';
import type { PlaybookEvent, PlaybookResult } from '../../playbook/playbook.ts';
import { runPlaybook } from '../../playbook/run-playbook.ts';
import { openRun } from '../../playbook/run-state.ts';
import { PhaseFault } from '../fault.ts';
import { type TaskRun, withLimits } from '../task-run.ts';
import { contextValues } from './context-values.ts';

/** Where a repository keeps its playbooks. */
const folder = join('.keruta', 'playbooks');

/** Which playbook is followed, where, and where in the progress of the task. */
export interface FollowCall {
  /** root of the work tree */
  readonly directory: string;
  /** a path below the repository, an absolute one, or an id; null: the only one that there is */
  readonly named: string | null;
  /** names the state of this run: the same again goes on */
  readonly key: string;
  /** percent of the task, at its begin and its end */
  readonly span: readonly [from: number, to: number];
  /** what steps print, as it comes; not masked */
  readonly onOutput?: (bytes: Uint8Array) => void;
}

/** Follows the steps of a playbook in a work tree; goes on where an earlier start ended. */
export async function followPlaybook(run: TaskRun, call: FollowCall): Promise<PlaybookResult> {
  const { parts, task, config } = run;
  const file = await fileOf(call);
  const playbook = parsePlaybook(await readPlaybookFile(resolve(call.directory, file)), { file });
  const given = { ...contextValues(run), ...task.parameters };
  const { steps, parameters } = await expandPlaybook(playbook, {
    load: makeLoader(call.directory),
    parameters: given,
  });
  const stateDirectory = join(parts.directory, call.key);
  const state = fileState(stateDirectory);
  const scratchDirectory = join(stateDirectory, 'scratch');
  const printer = run.printer();
  const told = { name: playbook.name, count: steps.length };
  try {
    const open = openRun(state, { steps, values: parameters, newId: parts.random.uuid4() });
    const texts = Object.entries(parameters).map(([name, value]) => [
      parameterVariable(name),
      parameterText(value),
    ]);
    return await runPlaybook(steps, {
      clock: parts.clock,
      runner: makeLocalSteps({
        clock: parts.clock,
        runId: open.id,
        workingDirectory: call.directory,
        artifactsDirectory: parts.artifactsDirectory,
        ...(parts.isPrivate === undefined ? {} : { isPrivate: parts.isPrivate }),
        scratchDirectory,
        env: { ...parts.commandEnv, ...Object.fromEntries(texts) },
        output: (stream, bytes) => {
          call.onOutput?.(bytes);
          return printer.push(stream, bytes);
        },
        ...withLimits(parts),
      }),
      run: open,
      scope: { values: parameters, exists: (name) => existsSync(resolve(call.directory, name)) },
      on: (event) => tell(run, event, { ...told, span: call.span }),
      stepTimeoutMs: config.timeoutMs,
      signal: run.signal,
    });
  } finally {
    await printer.end();
    state.letGo();
    rmSync(scratchDirectory, { recursive: true, force: true });
  }
}

async function fileOf({ directory, named }: FollowCall): Promise<string> {
  if (named !== null && (isAbsolute(named) || existsSync(join(directory, named)))) return named;
  const found = await findPlaybooks([
    { path: join(directory, folder), within: directory, source: 'repository' },
  ]);
  const one =
    named === null ? (found.length === 1 ? found[0] : undefined) : found.find(({ id }) => id === named);
  if (one !== undefined) return one.file;
  const ids = found.map(({ id }) => id).join(', ');
  const there = ids === '' ? `there are none in ${folder}` : `there are ${ids}`;
  throw new PhaseFault(
    'TaskContextValidationError',
    named === null
      ? `The task names no playbook, and the repository has not exactly one: ${there}. Give its context a playbook_path.`
      : `There is no playbook ${named} in the repository: ${there}.`,
  );
}

async function tell(
  run: TaskRun,
  event: PlaybookEvent,
  told: { readonly name: string; readonly count: number; readonly span: FollowCall['span'] },
): Promise<void> {
  const [from, to] = told.span;
  for (const words of eventWords(event, told)) {
    const message = run.mask(words.at(-1) ?? '');
    if (words[0] === 'progress')
      run.parts.speaker.progress(from + (Number(words[1]) * (to - from)) / 100, message);
    else run.parts.speaker.log(parseLogLevel(words[1] ?? '') ?? 'INFO', message);
  }
  const title = stepTitle(event.step, told.count);
  if (event.type === 'step-started') await run.say(`--> ${title}`);
  if (event.type === 'attempt-started' && event.attempt > 1)
    await run.say(`--> ${title}: attempt ${event.attempt}`);
  if (event.type === 'attempt-ended') {
    for (const note of event.attempt.end.notes) await run.say(`    ${note}`);
    if (event.attempt.again) await run.say(`<-- ${title}: ${attemptText(event.attempt)}`);
  }
  if (event.type === 'step-ended')
    await run.say(`<-- ${title}: ${outcomeText(event.result)}${event.before ? ', in an earlier start' : ''}`);
}

/** Why a playbook did not succeed, in a sentence; and the steps that failed. */
export function playbookFailure(result: PlaybookResult): {
  readonly message: string;
  readonly details: readonly string[];
} {
  const failed = result.steps.filter(({ status }) => status === 'failure');
  const [first] = failed;
  const message =
    first === undefined
      ? `The playbook was ${result.status}.`
      : `The step ${first.name} failed: ${first.message}${failed.length > 1 ? `; and ${failed.length - 1} more` : ''}`;
  return { message, details: failed.map((step) => `${step.name}: ${step.message}`) };
}
