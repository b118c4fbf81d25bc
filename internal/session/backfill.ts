/** Makes good what a trigger by time should have run in a range, from a record that the same range, said again, finds full. */
import { InputError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import { firstOf } from '../trigger/decide-due.ts';
import { zoneOf } from './apply-workflow.ts';
import { cancelTaskIn } from './cancel.ts';
import { fireIn } from './fire.ts';
import { instantKey } from './firing-at.ts';
import type { SessionParts } from './parts.ts';
import { dueStateOf } from './trigger-times.ts';
import { type FoundTrigger, onTrigger, record, type TriggerRef } from './trigger-verbs.ts';

/** Most tasks of a trigger that wait after a backfill: the rest of the range is left to the next call. */
export const maxBackfilled = 100;
/** Most instants of one range. */
const maxInstants = 10_000;

/** A wish to make good a range. Times are epoch ms. */
export interface BackfillWish extends TriggerRef {
  /** inclusive */
  readonly from: number;
  /** exclusive; not behind now */
  readonly to: number;
  /** false: also what has run, as runs of their own; default true */
  readonly onlyMissing?: boolean;
  /** says what would run, and runs nothing */
  readonly dryRun?: boolean;
}

/** One instant of a range. */
export interface BackfilledInstant {
  readonly nominalAt: number;
  /** `ran`: before; `run`: now; `left`: for another call; `refused`: its session takes no more tasks */
  readonly state: 'ran' | 'run' | 'left' | 'refused';
  /** null with `left`, `refused`, and in a dry run */
  readonly taskId: string | null;
}

/** What became of a backfill. */
export interface Backfilled extends FoundTrigger {
  /** names it in the record of each of its runs, and to cancel it; UUIDv7 */
  readonly id: string;
  /** in the order of time */
  readonly instants: readonly BackfilledInstant[];
}

/**
 * Runs the instants of a range. They wait in their session's queue one behind the other, so no two run at once, whatever the
 * trigger's overlap policy; that policy counts them for what falls due meanwhile. At most `maxBackfilled` tasks of a trigger
 * wait. A trigger that is held, or switched off, can be backfilled: somebody asked for it.
 *
 * @throws as pauseTrigger; {InputError} KERUTA_ERR_BAD_VALUE for a range that is none, or a trigger that knows no time
 */
export function backfill(parts: SessionParts, wish: BackfillWish): Promise<Backfilled> {
  return onTrigger(parts, wish, async (tx, found, now) => {
    const instants = instantsOf(parts, { found, wish, now });
    const id = parts.random.uuid7(now);
    const done: BackfilledInstant[] = [];
    let room = maxBackfilled - (await tx.unfinishedTasks(found.trigger.id)).length;
    let isFull = false;
    for (const instant of instants) {
      const { nominalAt } = instant;
      const known = await tx.occurrence(found.trigger.id, instantKey(nominalAt));
      const again = known?.decision === 'run';
      if (again && wish.onlyMissing !== false) {
        done.push({ nominalAt, state: 'ran', taskId: known.taskId });
        continue;
      }
      if (room <= 0 || isFull) {
        done.push({ nominalAt, state: isFull ? 'refused' : 'left', taskId: null });
        continue;
      }
      room -= 1;
      const one = { parts, found, wish, id, now, instant, known };
      const taskId = wish.dryRun ? null : await fireOne(tx, one);
      isFull = taskId === null && !wish.dryRun;
      done.push({ nominalAt, state: isFull ? 'refused' : 'run', taskId });
    }
    const runs = done.filter(({ state }) => state === 'run').length;
    if (!wish.dryRun && runs > 0) {
      const details = { backfill: id, from: iso(wish.from), to: iso(wish.to), runs };
      await record(tx, parts, { ...found, ref: wish, action: 'trigger.backfilled', now, details });
    }
    return { ...found, id, instants: done };
  });
}

interface Instant {
  readonly nominalAt: number;
  readonly effectiveAt: number;
}

interface One {
  readonly parts: SessionParts;
  readonly found: FoundTrigger;
  readonly wish: BackfillWish;
  readonly id: string;
  readonly now: number;
  readonly instant: Instant;
  readonly known: Occurrence | null;
}

/** @returns the id of its task; null when its session takes none */
async function fireOne(tx: Transaction, one: One): Promise<string | null> {
  const { parts, found, wish, id, now, instant, known } = one;
  const key = instantKey(instant.nominalAt);
  const isAgain = known?.decision === 'run';
  const was = known === null || isAgain ? {} : { was: known.reason, ...untilOf(known) };
  const { occurrence } = await fireIn(tx, parts, {
    ...found,
    ...instant,
    ...{ source: 'backfill', reason: 'asked', actor: wish.caller.actor, now, isForced: true },
    key: isAgain ? `backfill:${id}:${key}` : key,
    details: { backfill: id, ...was },
    ...(known === null || isAgain ? {} : { instead: known }),
  });
  return occurrence.taskId;
}

/** A row that stands for many instants goes on saying for which. */
function untilOf({ details }: Occurrence): object {
  return details.until === undefined ? {} : { until: details.until };
}

function instantsOf(
  parts: SessionParts,
  about: { readonly found: FoundTrigger; readonly wish: BackfillWish; readonly now: number },
): Instant[] {
  const { found, wish, now } = about;
  const { trigger, workflow } = found;
  if (!(wish.from < wish.to) || wish.to > now)
    throw badValue(
      `from and to: expected a range that is over, from before to; got ${iso(wish.from)} to ${iso(wish.to)}, and it is ${iso(now)}.`,
    );
  const state = dueStateOf(trigger, { workflow: workflow.definition, zone: zoneOf(parts), now });
  if (state === null)
    throw badValue(
      `Trigger ${trigger.name} of ${workflow.name} does not fall due by time (it is of type ${trigger.type}): there is nothing to backfill.`,
    );
  const instants: Instant[] = [];
  let next = firstOf(state, wish.from - 1);
  while (next !== null && next.nominalAt < wish.to) {
    instants.push(next);
    if (instants.length > maxInstants)
      throw badValue(
        `from and to: expected a range of at most ${maxInstants} instants; take it in smaller parts.`,
      );
    next = firstOf(state, next.nominalAt);
  }
  return instants;
}

/**
 * Cancels the tasks of backfills that wait; those under way go on.
 * @param wish.backfill  only of this one; all of the trigger when left out
 * @returns what was cancelled
 */
export function cancelBackfill(
  parts: SessionParts,
  wish: TriggerRef & { readonly backfill?: string | undefined },
): Promise<readonly Task[]> {
  return onTrigger(parts, wish, async (tx, found, now) => {
    const { trigger } = found;
    const cancelled: Task[] = [];
    for (const { id, sessionId } of await tx.unfinishedTasks(trigger.id)) {
      const occurrence = await tx.occurrenceOfTask(id);
      const of = occurrence?.source === 'backfill' ? occurrence.details.backfill : undefined;
      if (of === undefined || (wish.backfill !== undefined && of !== wish.backfill)) continue;
      await tx.lockSession(sessionId);
      const task = await tx.task(id);
      if (task?.status !== 'PENDING') continue;
      cancelled.push(await cancelTaskIn(tx, { parts, caller: wish.caller }, { task, now }));
    }
    if (cancelled.length > 0) {
      const details = { backfill: wish.backfill ?? null, tasks: cancelled.length };
      await record(tx, parts, { ref: wish, action: 'trigger.backfill-cancelled', ...found, now, details });
    }
    return cancelled;
  });
}

const iso = (at: number) => new Date(at).toISOString();
const badValue = (message: string) => new InputError('KERUTA_ERR_BAD_VALUE', message);
