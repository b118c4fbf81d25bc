import type { Task } from '../domain/task.ts';
import type { Reads, Transaction } from '../store/store.ts';
import type { Origin } from './end-words.ts';
import { fireFollowers } from './fire-followers.ts';
import { endReport } from './github-report.ts';
import type { SessionParts } from './parts.ts';
import { recordEnd, type Spent } from './record-step.ts';
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

/** Most parents that are looked at for how long a chain is. */
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
  await recordEnd(tx, parts, { task, now, ...(await spentOn(tx, task)) });
  const waiting = await tx.triggers({ type: 'task-end' });
  if (waiting.length === 0 && task.triggerId === null) return;
  await endReport(tx, { task, now });
  const origin = await originOf(tx, task);
  await settleRun(tx, parts, { task, now, occurrence: origin?.occurrence ?? null });
  // the fallback is the rest of the same run: what follows, follows that
  if (origin !== null && (await runFallback(tx, parts, { task, now, origin }))) return;
  const ended = { task, now, origin, depth: await depthOf(tx, task) };
  if (origin !== null) await runHook(tx, parts, { ...ended, origin });
  await fireFollowers(tx, parts, { ...ended, waiting });
}

async function originOf(reads: Reads, task: Task): Promise<Origin | null> {
  const occurrence = await reads.occurrenceOfTask(task.id);
  if (occurrence === null) return null;
  const workflow = await reads.workflow(occurrence.workflowId);
  const event = occurrence.eventId === null ? null : await reads.triggerEvent(occurrence.eventId);
  return { occurrence, workflow: workflow?.name ?? null, event };
}

/** A task that a script made belongs to the chain of the task that it is a subtask of. */
async function depthOf(reads: Reads, task: Task): Promise<number> {
  let id: string | null = task.id;
  for (let parents = 0; id !== null && parents < maxParents; parents++) {
    const occurrence = await reads.occurrenceOfTask(id);
    if (occurrence !== null)
      return typeof occurrence.details.depth === 'number' ? occurrence.details.depth : 0;
    id = (await reads.task(id))?.parentTaskId ?? null;
  }
  return 0;
}

/** What was told that a task cost; nothing when nobody told anything. */
async function spentOn(tx: Transaction, { id }: Task): Promise<{ readonly spent?: Spent }> {
  const sum = await tx.costSum(id);
  if (sum.entries === 0) return {};
  const { micro: costMicros, entries: llmCalls, tokensIn, tokensOut } = sum;
  return { spent: { costMicros, llmCalls, tokensIn, tokensOut } };
}
