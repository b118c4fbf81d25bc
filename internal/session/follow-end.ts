import { endedStatuses } from '../domain/ledger.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, Workflow } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import type { Origin } from './end-words.ts';
import { fireFollowers } from './fire-followers.ts';
import { endReport } from './github-report.ts';
import { settleNeeds } from './needs.ts';
import { announceEnd } from './notify/announce-end.ts';
import type { SessionParts } from './parts.ts';
import { recordEnd, type Spent } from './record-step.ts';
import { restAfterEnd } from './rest-after-end.ts';
import { runFallback } from './run-fallback.ts';
import { runHook } from './run-hook.ts';
import { settleRun } from './settle-run.ts';

/** A task that has ended, and how many workflows fired each other until it was made; 0 = it was the first. */
export interface Ended {
  readonly task: Task;
  /** `store.now()`; epoch ms */
  readonly now: number;
  readonly depth: number;
}

/** A task that has ended, and what made it; null: no trigger did, or it is not known any more. */
interface EndedRun extends Omit<Ended, 'depth'> {
  readonly occurrence: Occurrence | null;
  /** of the occurrence, as it is now */
  readonly workflow: Workflow | null;
}

/** Most ends of one task that are looked at for what they said of its cost. */
const maxEnds = 1000;
/** Most tasks that are looked at for how long a chain is, with the first. */
const maxParents = 16;

/**
 * What follows when a task has ended and is not run again by itself: its workflow's hook, and triggers that wait for its
 * end. All in the transaction that ends it, which holds its session.
 */
export async function followEnd(
  tx: Transaction,
  parts: SessionParts,
  { task, now }: Omit<Ended, 'depth'>,
): Promise<void> {
  await settleNeeds(tx, { task, now });
  const occurrence = await tx.occurrenceOfTask(task.id);
  if (occurrence !== null)
    await recordEnd(tx, parts, { task, now, occurrence, ...(await spentOn(tx, task, occurrence)) });
  const workflow = occurrence === null ? null : await tx.workflow(occurrence.workflowId);
  const ended = { task, now, occurrence, workflow };
  const goesOn = await follow(tx, parts, ended);
  // last: it may make other ends of the same workflow wait
  if (!goesOn) await announceEnd(tx, parts, ended);
}

/** @returns whether the same run goes on with its fallback: then its end is still to come */
async function follow(
  tx: Transaction,
  parts: SessionParts,
  { task, now, occurrence, workflow }: EndedRun,
): Promise<boolean> {
  const waiting = await tx.triggers({ type: 'task-end' });
  if (waiting.length === 0 && task.triggerId === null) return false;
  await endReport(tx, { task, now });
  await restAfterEnd(tx, parts, { task, now });
  const origin = occurrence === null ? null : await originOf(tx, occurrence, workflow);
  await settleRun(tx, parts, { task, now, occurrence, workflow });
  // the fallback is the rest of the same run: what follows, follows that
  if (origin !== null && (await runFallback(tx, parts, { task, now, origin }))) return true;
  const ended = { task, now, origin, depth: await depthOf(tx, task, occurrence) };
  if (origin !== null) await runHook(tx, parts, { ...ended, origin });
  await fireFollowers(tx, parts, { ...ended, waiting });
  return false;
}

async function originOf(reads: Reads, occurrence: Occurrence, workflow: Workflow | null): Promise<Origin> {
  const event = occurrence.eventId === null ? null : await reads.triggerEvent(occurrence.eventId);
  return { occurrence, workflow: workflow?.name ?? null, event };
}

/** A task that a script made belongs to the chain of the task that it is a subtask of. */
async function depthOf(reads: Reads, task: Task, own: Occurrence | null): Promise<number> {
  let [occurrence, parent] = [own, task.parentTaskId];
  for (let looked = 1; occurrence === null && parent !== null && looked < maxParents; looked++) {
    occurrence = await reads.occurrenceOfTask(parent);
    if (occurrence === null) parent = (await reads.task(parent))?.parentTaskId ?? null;
  }
  const depth = occurrence?.details.depth;
  return typeof depth === 'number' ? depth : 0;
}

/**
 * What was told that a task cost; nothing when nobody told anything. One that ended before, and was tried again by hand, has
 * that in the ledger already: the sum over all entries is what was spent.
 */
async function spentOn(
  tx: Transaction,
  { id, attempt }: Task,
  { id: executionId }: Occurrence,
): Promise<{ readonly spent?: Spent }> {
  const sum = await tx.costSum(id);
  const mayHaveEnded = attempt > 1 && sum.entries > 0;
  const told = mayHaveEnded
    ? await tx.ledger({ executionId, statuses: endedStatuses }, { limit: maxEnds })
    : [];
  const before = (field: keyof Spent) => told.reduce((all, entry) => all + (entry[field] ?? 0), 0);
  const llmCalls = sum.entries - before('llmCalls');
  if (llmCalls <= 0) return {};
  return {
    spent: {
      llmCalls,
      costMicros: sum.micro - before('costMicros'),
      tokensIn: sum.tokensIn - before('tokensIn'),
      tokensOut: sum.tokensOut - before('tokensOut'),
    },
  };
}
