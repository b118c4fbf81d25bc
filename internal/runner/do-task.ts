import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import { errorOf, PhaseFault, stopFault } from './fault.ts';
import { openJournal } from './journal.ts';
import { commit } from './phases/commit.ts';
import { implement } from './phases/implement.ts';
import { prepare } from './phases/prepare.ts';
import { push } from './phases/push.ts';
import { keep, report } from './phases/report.ts';
import { test } from './phases/test.ts';
import { takeWorkplace, type Workplace } from './phases/workplace.ts';
import { resultOf } from './result-of.ts';
import type { RunnerParts } from './run-parts.ts';
import type { RunnerConfig, RunnerError, RunnerPhase, RunnerResult, RunnerTask } from './runner.ts';
import { nameOutside } from './task-id.ts';
import { makeTaskRun, type TaskRun } from './task-run.ts';

/** The result of a task, in the directory of its runner and among its artifacts. */
export const resultFile = 'result.json';

/** How far the task is when a phase begins; percent. */
const beginsAt: Readonly<Record<RunnerPhase, number>> = {
  ...{ prepare: 0, implement: 10, test: 60, commit: 85, push: 90, report: 95 },
};

/**
 * Does one task from the first fetch to the pushed branch.
 *
 * | phase     | what happens                                                                        |
 * | --------- | ----------------------------------------------------------------------------------- |
 * | prepare   | slot, fetch, branch, rebase on the target                                            |
 * | implement | the playbook is followed, or the coding agent works                                  |
 * | test      | tests are run; what fails goes back to the coding agent, so often as is allowed      |
 * | commit    | everything that changed, if the gate has nothing against it                          |
 * | push      | onto the task's own branch; a pull request when it is wished                         |
 * | report    | difference, transcripts, tests, result: kept, and told                               |
 *
 * Begun again in the same directory it goes on at the phase that was broken off; a task that has ended gives its result again.
 * Never rejects for what the task, its repository or a service did: that is the result.
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY; what the disk says when nothing can be written down
 */
export async function doTask(
  parts: RunnerParts,
  task: RunnerTask,
  config: RunnerConfig,
): Promise<RunnerResult> {
  const journal = openJournal(parts.directory, task, parts.clock.now());
  const before = journal.isOld
    ? (readJsonFile(join(parts.directory, resultFile)) as RunnerResult | null)
    : null;
  if (before !== null) return before;
  journal.save();
  const timeUp = new AbortController();
  const cancelTimer = parts.clock.after(config.timeoutMs, () =>
    timeUp.abort(new Error('the time of the task is up')),
  );
  const run = makeTaskRun({
    parts,
    task,
    config,
    journal,
    signal: AbortSignal.any([parts.signal, timeUp.signal]),
  });
  const stopped = () => stopFault({ timeUp: timeUp.signal, stop: parts.signal }, config);
  let place: Workplace | null = null;
  let error: RunnerError | null = null;
  const phases = new Phases(run, stopped, (found) => {
    error ??= found;
  });
  try {
    await parts.registry
      ?.updateStatus(nameOutside(task), 'PROCESSING')
      .catch((fault: unknown) => awayFrom(run, fault));
    await phases.one('prepare', async () => {
      place = await takeWorkplace(run);
      const { state } = journal;
      if (!place.isResumed) journal.forget();
      state.slot = { id: place.id, path: place.path };
      journal.save();
      state.prepared ??= await prepare(run, place);
      return `${state.prepared.branch} at ${state.prepared.commit.slice(0, 12)}, in ${place.id}`;
    });
    if (place !== null && error === null) await theWork(run, place, phases);
  } finally {
    cancelTimer();
  }
  await phases.one('report', async () => {
    const { length } = await report(run, place);
    return length === 1 ? '1 file' : `${length} files`;
  });
  await giveBack(run, place);
  const result = resultOf(run, { error, now: parts.clock.now(), usage: parts.usage() });
  writeJsonFile(join(parts.directory, resultFile), result, { isPlain: true, sync: true });
  await keep(run, {
    ...{ type: 'result', name: resultFile, description: 'What the task came to' },
    file: join(parts.directory, resultFile),
  }).catch((fault: unknown) => awayFrom(run, fault));
  parts.speaker.ended(endText(result), result.error?.kind ?? null);
  const status = result.success ? 'COMPLETED' : 'FAILED';
  await parts.registry
    ?.updateStatus(nameOutside(task), status)
    .catch((fault: unknown) => awayFrom(run, fault));
  return result;
}

/** Everything between the branch and the report. A phase that ended is not done again. */
async function theWork(run: TaskRun, place: Workplace, phases: Phases): Promise<void> {
  const { journal, task } = run;
  const { state } = journal;
  const { prepared } = state;
  if (prepared === null) return;
  const save = <T>(value: T): T => {
    journal.save();
    return value;
  };
  await phases.one('implement', async () => {
    state.implemented ??= await implement(run, place);
    return save(state.implemented.summary.split('\n')[0] ?? '');
  });
  await phases.one('test', async () =>
    state.isTested ? (state.tested?.command ?? null) : await test(run, place),
  );
  await phases.one('commit', async () => {
    state.committed ??= await commit(run, place, prepared);
    return save(state.committed === null ? null : state.committed.commit.slice(0, 12));
  });
  const { committed } = state;
  await phases.one('push', async () => {
    if (committed === null || task.context.publish === 'none') return null;
    state.pushed ??= { url: await push(run, place, { prepared, commit: committed.commit }) };
    return save(state.pushed.url ?? prepared.branch);
  });
}

/** Runs phases one behind the other until one fails, and tells of each. */
class Phases {
  readonly #run: TaskRun;
  readonly #stopped: () => RunnerError | null;
  readonly #failed: (error: RunnerError) => void;
  #hasFailed = false;

  constructor(run: TaskRun, stopped: () => RunnerError | null, failed: (error: RunnerError) => void) {
    this.#run = run;
    this.#stopped = stopped;
    this.#failed = failed;
  }

  /** @param action  what it came to, in a few words; null = there was nothing to do */
  async one(phase: RunnerPhase, action: () => Promise<string | null>): Promise<void> {
    if (this.#hasFailed && phase !== 'report') return;
    const { parts, journal } = this.#run;
    const begin = parts.clock.monotonicMs();
    parts.speaker.progress(beginsAt[phase], phase);
    await this.#run.say(`==> ${phase}`);
    const end = async (outcome: 'done' | 'skipped' | 'failed', text: string) => {
      const message = this.#run.mask(text);
      const durationMs = Math.round(parts.clock.monotonicMs() - begin);
      journal.state.phases = [
        ...journal.state.phases.filter((one) => one.phase !== phase),
        { phase, outcome, message, durationMs },
      ];
      journal.save();
      await this.#run.say(`<== ${phase}: ${outcome}${message === '' ? '' : `, ${message}`}`);
      const data = { phase, outcome, message, duration_ms: durationMs };
      await parts.registry
        ?.addEvent(nameOutside(this.#run.task), `phase_${outcome}`, data)
        .catch((fault: unknown) => awayFrom(this.#run, fault));
      parts.speaker.log(
        outcome === 'failed' ? 'ERROR' : 'INFO',
        `${phase}: ${outcome}${message === '' ? '' : `, ${message}`}`,
      );
    };
    try {
      const said = await action();
      await end(said === null ? 'skipped' : 'done', said ?? '');
    } catch (thrown) {
      this.#hasFailed = true;
      const error = errorOf(thrown, { phase, stopped: this.#stopped() });
      if (!(thrown instanceof PhaseFault)) parts.log.debug('a phase failed', { phase, error: thrown });
      const told = {
        ...error,
        message: this.#run.mask(error.message),
        details: error.details.map((one) => this.#run.mask(one)),
      };
      this.#failed(told);
      await end('failed', told.message);
      for (const line of told.details) await this.#run.say(`    ${line}`);
    }
  }
}

/** How it ended, in one line. */
function endText({ error, branch, isPushed, tests }: RunnerResult): string {
  if (error !== null) return error.message;
  const tested = tests?.passed === true ? ', tests pass' : '';
  return branch === null ? 'done' : `${branch}${isPushed ? ' pushed' : ''}${tested}`;
}

async function giveBack(run: TaskRun, place: Workplace | null): Promise<void> {
  if (place === null) return;
  for (const kept of await place.release()) await run.say(`what was left in ${place.id} is kept as ${kept}`);
}

function awayFrom({ parts }: TaskRun, error: unknown): void {
  parts.log.warn('a service of the runner does not answer; the work goes on', {
    error: error instanceof Error ? error.message : String(error),
  });
}
