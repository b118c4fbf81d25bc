import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Attempt } from '../../domain/attempt.ts';
import type { Task } from '../../domain/task.ts';
import { isEnded } from '../../domain/task-status.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Fact } from './facts.ts';

/** Hears what a store did. Neither may throw, nor take long. */
export interface StoreWatcher {
  /** What a transaction made true; after its commit, in the order in which it was written. */
  committed(facts: readonly Fact[]): void;
  /** How long a transaction took; ms. @param failed  whether the store could not do it; a refusal by rule is none */
  timed(tookMs: number, failed: boolean): void;
}

/** What watching needs. */
export interface WatchParts {
  readonly clock: Clock;
  readonly watcher: StoreWatcher;
  /** whether an error is a fault of the store itself */
  readonly isFault: (error: unknown) => boolean;
}

/** The same store, watched. What happens is read off the rows that are written, so no verb can forget to tell. */
export function watchStore(store: Store, { clock, watcher, isFault }: WatchParts): Store {
  return {
    ...store,
    transact: async (work) => {
      const beganMs = clock.monotonicMs();
      let seen = new Seen();
      try {
        const value = await store.transact((tx) => {
          // the same work may be done again after a conflict: only the last time counts
          seen = new Seen();
          return work(watched(tx, seen));
        });
        watcher.timed(clock.monotonicMs() - beganMs, false);
        const facts = seen.facts();
        if (facts.length > 0) watcher.committed(facts);
        return value;
      } catch (error) {
        watcher.timed(clock.monotonicMs() - beganMs, isFault(error));
        throw error;
      }
    },
  };
}

/** What one transaction wrote. */
class Seen {
  readonly told: Fact[] = [];
  /** as they were told last */
  readonly tasks = new Map<string, Task>();
  /** those that had ended before: what is told of them again is no end */
  readonly overBefore = new Set<string>();
  readonly claimed: Attempt[] = [];

  facts(): readonly Fact[] {
    const started = this.claimed.flatMap((attempt): Fact[] => {
      const task = this.tasks.get(attempt.taskId);
      const isNew = task?.status === 'PROCESSING' && task.startedAt === attempt.createdAt;
      return isNew && task.attempt === attempt.number ? [{ kind: 'started', task, attempt }] : [];
    });
    // one that is run again by itself is PENDING by the end of the transaction
    const ended = [...this.tasks.values()].filter(
      ({ id, status }) => isEnded(status) && !this.overBefore.has(id),
    );
    return [...this.told, ...started, ...ended.map((task): Fact => ({ kind: 'ended', task }))];
  }
}

function watched(tx: Transaction, seen: Seen): Transaction {
  const written = new Map<string, Task>();
  let isApplied = false;
  const own: Partial<Transaction> = {
    putWorkflow: async (workflow) => {
      await tx.putWorkflow(workflow);
      isApplied = true;
    },
    task: async (id) => {
      const task = await tx.task(id);
      if (task !== null && isEnded(task.status) && !written.has(id)) seen.overBefore.add(id);
      return task;
    },
    putTrigger: async (trigger) => {
      await tx.putTrigger(trigger);
      if (isApplied) seen.told.push({ kind: 'registered', trigger });
    },
    insertOccurrence: async (occurrence) => {
      const isNew = await tx.insertOccurrence(occurrence);
      if (isNew) seen.told.push({ kind: 'occurred', occurrence });
      return isNew;
    },
    insertOccurrences: async (occurrences) => {
      const ids = await tx.insertOccurrences(occurrences);
      for (const occurrence of occurrences)
        if (ids.has(occurrence.id)) seen.told.push({ kind: 'occurred', occurrence });
      return ids;
    },
    replaceSkipped: async (occurrence) => {
      const isDone = await tx.replaceSkipped(occurrence);
      if (isDone) seen.told.push({ kind: 'occurred', occurrence });
      return isDone;
    },
    insertCost: async (cost) => {
      const isNew = await tx.insertCost(cost);
      if (isNew) seen.told.push({ kind: 'spent', cost });
      return isNew;
    },
    putAttempt: async (attempt) => {
      await tx.putAttempt(attempt);
      if (attempt.state === 'lost') seen.told.push({ kind: 'lost', attempt });
      if (attempt.state === 'claimed') seen.claimed.push(attempt);
    },
    settleNotification: async (taken, end) => {
      const isOurs = await tx.settleNotification(taken, end);
      if (isOurs) seen.told.push({ kind: 'told', channel: taken.channel, state: end.state });
      return isOurs;
    },
    putTask: async (task, key) => {
      await tx.putTask(task, key);
      written.set(task.id, task);
    },
    insertEvent: async (event) => {
      const seq = await tx.insertEvent(event);
      const task = event.type === 'status' && event.taskId !== null ? written.get(event.taskId) : undefined;
      if (task !== undefined) seen.tasks.set(task.id, task);
      return seq;
    },
  };
  return Object.assign(Object.create(tx) as Transaction, own);
}
