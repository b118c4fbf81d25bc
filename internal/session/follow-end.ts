import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Reads, Transaction } from '../store/store.ts';
import type { Origin } from './end-words.ts';
import { fireFollowers } from './fire-followers.ts';
import { endReport } from './github-report.ts';
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
  const occurrence = await tx.occurrenceOfTask(task.id);
  if (occurrence !== null)
    await recordEnd(tx, parts, { task, now, occurrence, ...(await spentOn(tx, task)) });
  const waiting = await tx.triggers({ type: 'task-end' });
  if (waiting.length === 0 && task.triggerId === null) return;
  await endReport(tx, { task, now });
  await restAfterEnd(tx, parts, { task, now });
  const origin = occurrence === null ? null : await originOf(tx, occurrence);
  await settleRun(tx, parts, { task, now, occurrence });
  // the fallback is the rest of the same run: what follows, follows that
  if (origin !== null && (await runFallback(tx, parts, { task, now, origin }))) return;
  const ended = { task, now, origin, depth: await depthOf(tx, task, occurrence) };
  if (origin !== null) await runHook(tx, parts, { ...ended, origin });
  await fireFollowers(tx, parts, { ...ended, waiting });
}

async function originOf(reads: Reads, occurrence: Occurrence): Promise<Origin> {
  const workflow = await reads.workflow(occurrence.workflowId);
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

/** What was told that a task cost; nothing when nobody told anything. */
async function spentOn(tx: Transaction, { id }: Task): Promise<{ readonly spent?: Spent }> {
  const sum = await tx.costSum(id);
  if (sum.entries === 0) return {};
  const { micro: costMicros, entries: llmCalls, tokensIn, tokensOut } = sum;
  return { spent: { costMicros, llmCalls, tokensIn, tokensOut } };
}
