import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import type { ClaimedTask } from '../api/task-source.ts';
import { unreadableRuns, unsettledRuns } from './adopt.ts';
import type { AgentExit } from './agent-options.ts';
import { Backoff, isDenied, messageOf } from './retry.ts';
import { hasReceipt, type RunRecord, readRecord, recordClaim, runDirectory } from './run-record.ts';
import { runTask } from './run-task.ts';
import type { Timing } from './run-trace.ts';
import type { TaskParts } from './task-parts.ts';

/**
 * Pauses before a claim that failed is asked for again; ms. Its answer may have been lost, and the server then holds the task
 * for this agent for a lease (45 s) from the last time it was asked: so it is asked twice in a lease at least.
 */
export const claimPauses = { firstMs: 500, capMs: 20_000 };
/** How often an ended session is looked at by an agent that stays; ms. */
const endedPauseMs = 5_000;
/** How often an agent without space looks whether it may take tasks again; ms. */
const shortPauseMs = 500;
/** How often old receipts are looked for; ms. */
const tidyEveryMs = 3_600_000;

/**
 * Takes tasks one after another until there is a reason to end. First what a former agent left is brought to its end;
 * then it claims, and never holds two tasks.
 */
export async function takeTasks(parts: TaskParts): Promise<AgentExit> {
  const { clock, control, options, base } = parts;
  const backoff = new Backoff(parts, claimPauses);
  const since = clock.monotonicMs();
  let idleSince = since;
  let tidiedAt = since;
  let tasks = 0;
  const exit = (why: AgentExit['why']): AgentExit => ({ why, tasks });

  const waiting = new AbortController();
  const cancelUptime =
    options.maxUptimeMs === null ? () => {} : clock.after(options.maxUptimeMs, () => waiting.abort());
  for (const directory of unreadableRuns(base.runs)) {
    parts.log.error('the record of a run is damaged: the run is left alone, and its task not gone on with', {
      directory,
    });
  }
  try {
    for (const record of unsettledRuns(base.runs, clock)) {
      base.newClaim();
      parts.log.info('going on with a task that was left', {
        taskId: record.task.id,
        attempt: record.attempt,
      });
      const end = await runToTheEnd(parts, record);
      if (end === 'left') return exit('left');
      tasks++;
    }
    for (;;) {
      parts.status.turn();
      if (control.draining.aborted) return exit(control.leaving.aborted ? 'left' : 'stopped');
      if (waiting.signal.aborted) return exit('max_uptime');
      if (options.once && tasks > 0) return exit('once');
      const idleMs = clock.monotonicMs() - idleSince;
      if (options.exitOnIdleMs !== null && idleMs >= options.exitOnIdleMs) return exit('idle');
      const isWhole = await parts.heal();
      if (clock.monotonicMs() - tidiedAt > tidyEveryMs) {
        tidiedAt = clock.monotonicMs();
        if (isWhole) unsettledRuns(base.runs, clock);
      }
      if (parts.disk.short.aborted || !isWhole) {
        await pause(parts, shortPauseMs, waiting.signal);
        continue;
      }
      const left = options.exitOnIdleMs === null ? Number.POSITIVE_INFINITY : options.exitOnIdleMs - idleMs;
      const askedAt = clock.now();
      const claim = await wish(parts, {
        backoff,
        waitMs: Math.min(options.claimWaitMs, left),
        until: waiting.signal,
      });
      if (claim === null) continue;
      if ('ended' in claim) {
        if (!options.keepAlive) return exit('session_ended');
        await pause(parts, endedPauseMs, waiting.signal);
        continue;
      }
      const end = await take(parts, claim, { startAt: askedAt, endAt: clock.now() });
      if (end === 'left') return exit('left');
      if (end !== null) tasks++;
      idleSince = clock.monotonicMs();
    }
  } finally {
    cancelUptime();
  }
}

/** One claim, with the wait after a failed one. @returns null when there is nothing to do now */
async function wish(
  parts: TaskParts,
  how: { readonly backoff: Backoff; readonly waitMs: number; readonly until: AbortSignal },
): ReturnType<TaskParts['source']['claimNext']> {
  const signal = AbortSignal.any([parts.control.draining, how.until, parts.disk.short]);
  try {
    const request = { waitMs: Math.max(0, Math.floor(how.waitMs)), claimId: parts.base.claimId() };
    const claim = await parts.source.claimNext(request, signal);
    how.backoff.reset();
    return claim;
  } catch (error) {
    if (signal.aborted) return null;
    const waitMs = how.backoff.next(error);
    parts.log.warn(isDenied(error) ? 'the API refuses the token of the agent' : 'no task could be claimed', {
      error: messageOf(error),
      waitMs,
    });
    await pause(parts, waitMs, signal);
    return null;
  }
}

/** Runs one claimed task. @returns null when it had ended here before: the server did not know yet that it was done */
async function take(
  parts: TaskParts,
  claim: ClaimedTask,
  asked: Timing,
): Promise<Awaited<ReturnType<typeof runTask>> | null> {
  failpoint('after_claim');
  // the same claim is asked for again, once there is a place for its run
  if (!(await parts.heal())) return null;
  const directory = runDirectory(parts.base.runs, claim.task.id, claim.attempt);
  const knowsAttempts = parts.source.abilities.has('claim');
  if (knowsAttempts && hasReceipt(directory)) {
    parts.base.newClaim();
    parts.log.warn('an attempt that was reported was handed out again; it is not run twice', {
      taskId: claim.task.id,
      attempt: claim.attempt,
    });
    return null;
  }
  const record = recordClaim(parts.base.runs, claim, parts.random.uuid4());
  parts.base.newClaim();
  parts.log.info('task claimed', { taskId: claim.task.id, attempt: claim.attempt, name: claim.task.name });
  return runToTheEnd(parts, record, asked);
}

/** How often a task is gone on with after a fault of the agent itself. */
const maxFaults = 3;

/**
 * Runs a task, and goes on with it where it stands after a fault of the agent itself: a script is never started twice.
 * @throws the fault when it comes again and again; the run is left for the next agent
 */
async function runToTheEnd(
  parts: TaskParts,
  record: RunRecord,
  asked: Timing | null = null,
): ReturnType<typeof runTask> {
  const backoff = new Backoff(parts, { firstMs: 500, capMs: 5_000 });
  const directory = runDirectory(parts.base.runs, record.task.id, record.attempt);
  for (let fault = 1; ; fault++) {
    try {
      return await runTask(parts, readRecord(directory) ?? record, fault === 1 ? asked : null);
    } catch (error) {
      parts.log.error('a fault of the agent interrupted a task', { error, taskId: record.task.id, fault });
      if (fault >= maxFaults) throw error;
      await parts.clock.sleep(backoff.next(error));
    }
  }
}

async function pause(parts: TaskParts, ms: number, until: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([parts.control.draining, until]);
  await parts.clock.sleep(ms, signal).catch(() => {});
}
