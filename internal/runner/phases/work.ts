import { lstatSync, mkdirSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkResult } from '../../coder/coding-agent.ts';
import { shellRunner } from '../../coder/command-runner.ts';
import { makeCoder } from '../../coder/make-coder.ts';
import { repositoryMap } from '../../coder/repository-map.ts';
import { type PromptFeedback, taskPrompt } from '../../coder/task-prompt.ts';
import { PhaseFault } from '../fault.ts';
import { localGitMs, type TaskRun, withLimits } from '../task-run.ts';
import { listen } from './listen.ts';
import { limitsLeft, sumOf } from './spent.ts';
import type { Workplace } from './workplace.ts';

/**
 * Has the coding agent work on the task, once.
 * @param feedback  what tests said of the work so far; null = it is the first time
 * @throws {PhaseFault} ImplementationError or TimeoutError when it does not say that it is done
 */
export async function work(
  run: TaskRun,
  place: Workplace,
  wish: { readonly feedback: PromptFeedback | null; readonly testCommand: string | null },
): Promise<WorkResult> {
  const { parts, config, journal } = run;
  const { coder } = config;
  if (coder === null)
    throw new PhaseFault(
      'ImplementationError',
      'There is no coding agent to do the task. Configure one as `coder` or `llm`, see docs/coding-agents.md.',
    );
  const agent = makeCoder(coder, {
    ...{ clock: parts.clock, random: parts.random, http: parts.http, secrets: parts.secrets },
    ...{ secretOf: parts.secretOf, ...withLimits(parts) },
    runner: (request) =>
      shellRunner({
        clock: parts.clock,
        random: parts.random,
        workingDirectory: request.slot,
        env: parts.commandEnv,
        ...withLimits(parts),
      }),
  });
  const before = journal.state.usage;
  const limits = limitsLeft(coder.limits, before);
  if (limits === null)
    throw new PhaseFault(
      'ImplementationError',
      `${agent.name} has spent what it may, and the task is not done.`,
    );
  journal.state.rounds += 1;
  const round = journal.state.rounds;
  journal.save();
  const directory = join(parts.directory, `round-${round}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await run.say(`--> ${agent.name}, round ${round}`);
  const listener = listen(run, { round, before });
  const result = await agent.work({
    slot: await realpath(place.path),
    prompt: (await promptOf(run, place, wish)).text,
    directory,
    limits,
    env: parts.env,
    signal: run.signal,
    on: listener.on,
  });
  await listener.end();
  journal.state.usage = sumOf(before, result.usage);
  journal.save();
  await run.say(`<-- ${agent.name}: ${result.outcome}${result.reason === null ? '' : `, ${result.reason}`}`);
  refuseLost(place, agent.name);
  if (result.outcome === 'done') return result;
  const kind = result.reason === 'time' ? 'TimeoutError' : 'ImplementationError';
  throw new PhaseFault(
    kind,
    `${agent.name} did not do it (${result.reason ?? 'unknown'}): ${result.summary}`.trim(),
  );
}

/** What is done with the place from here on would be done somewhere else. */
function refuseLost({ path }: Workplace, name: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new PhaseFault(
    'ImplementationError',
    `${name} removed the slot that it worked in, or put something else in its place: ${path}. Nothing of its work is left.`,
  );
}

async function promptOf(run: TaskRun, place: Workplace, wish: Parameters<typeof work>[2]) {
  const { task, parts } = run;
  const { context } = task;
  const listed = await place.tree.git.local({
    ...{ directory: place.tree.directory, timeoutMs: localGitMs, signal: run.signal },
    args: ['ls-files', '-z'],
    maxOutputBytes: 64 * 1024 * 1024,
  });
  const { focus, requiredSkill } = context;
  return taskPrompt({
    task: {
      title: context.title,
      description: context.description,
      acceptanceCriteria: context.acceptanceCriteria,
      parameters: task.parameters,
      story: task.story,
      dependencies: task.dependencies,
    },
    skills: await parts.skillsOf({ directory: place.path, focus, requiredSkill }),
    map: repositoryMap(listed.stdout.split('\0').filter((path) => path !== '')),
    failure: task.failure,
    ...wish,
  });
}
