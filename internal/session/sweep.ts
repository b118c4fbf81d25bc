import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { type Attempt, defaultTiming } from '../domain/attempt.ts';
import { UnavailableError } from '../domain/errors.ts';
import { isActive } from '../domain/task-status.ts';
import type { Transaction } from '../store/store.ts';
import { endReport } from './github-report.ts';
import { announceLost } from './notify/announce-waits.ts';
import { type SessionParts, systemCaller } from './parts.ts';
import { auditTask, putAndTell } from './put-task.ts';
import { retryLost } from './retry-lost.ts';
import { releaseReservation } from './settle-run.ts';

/** How often leases are looked at; ms. */
export const sweepEveryMs = 5_000;
/** So long after the last look renewals may have failed for the same reason; ms. */
const maxGapMs = 3 * sweepEveryMs;
/** So long without a look is said of the server's health: longer than a slow store takes to come back; ms. */
const maxSilenceMs = 30_000;

/**
 * Marks every attempt whose lease ran out as lost, and its task as LOST when the end of the run is not known. Nothing
 * is deleted and nothing is run again, since the same attempt may still come back; but where a task says that lost runs
 * are repeated, that is waited for only as long as a lost attempt holds its slot. Safe on several servers at once.
 *
 * @returns how many attempts were marked
 */
export async function sweep(parts: SessionParts): Promise<number> {
  const { store } = parts;
  const expired = await store.expiredAttempts(await store.leaseNow());
  let marked = 0;
  for (const attempt of expired) if (await markLost(parts, attempt)) marked += 1;
  await retryLost(parts);
  return marked;
}

/** A sweep that goes on. */
export interface Sweeping {
  /** Resolves when it was stopped; rejects when it ended by a fault of its own. */
  readonly ended: Promise<void>;
  /** Why nobody would notice now that an agent is gone; null when all is well. */
  problem(): string | null;
}

/**
 * Sweeps every `sweepEveryMs` until the signal is aborted. When nobody looked for a while (the server was away, or the
 * store took no writes), agents could not renew either: then every lease is given the boot grace instead.
 */
export function startSweep(parts: SessionParts, signal: AbortSignal): Sweeping {
  const { clock, log } = parts;
  const startedAt = clock.monotonicMs();
  let lookedAt: number | null = null;
  let fault: string | null = null;
  const ended = goOn().catch((error: unknown) => {
    fault = error instanceof Error ? error.message : String(error);
    throw error;
  });
  return { ended, problem };

  async function goOn(): Promise<void> {
    while (!signal.aborted) {
      failpoint('in_sweep');
      try {
        const wasAway = lookedAt === null || clock.monotonicMs() - lookedAt > maxGapMs;
        await (wasAway ? giveGrace(parts) : look(parts));
        lookedAt = clock.monotonicMs();
      } catch (error) {
        if (signal.aborted) return;
        log.warn('the sweep of leases failed; it is tried again', { error });
      }
      await clock.sleep(sweepEveryMs, signal).catch(() => {});
    }
  }

  function problem(): string | null {
    if (fault !== null) return `leases are no longer looked at: ${fault}; start the server anew`;
    const silentMs = clock.monotonicMs() - (lookedAt ?? startedAt);
    return silentMs < maxSilenceMs
      ? null
      : `nobody could look at leases for ${Math.round(silentMs / 1000)} s`;
  }
}

/** While renewals cannot be written, a lease that runs out says nothing about its agent. */
async function look(parts: SessionParts): Promise<void> {
  const { store } = parts;
  const open = await store.expiredAttempts(Number.MAX_SAFE_INTEGER);
  if (open.length === 0) return;
  const { ok, message } = await store.health();
  if (!ok) throw new UnavailableError('KERUTA_ERR_STORE_UNAVAILABLE', message);
  await sweep(parts);
}

async function giveGrace({ store, timing = defaultTiming }: SessionParts): Promise<void> {
  const until = (await store.leaseNow()) + timing.bootGraceMs;
  await store.transact((tx) => tx.extendLeases(until));
}

async function markLost(parts: SessionParts, expired: Attempt): Promise<boolean> {
  const { store } = parts;
  const seen = await store.task(expired.taskId);
  if (!seen) return false;
  const now = await store.now();
  const leaseNow = await store.leaseNow();
  return store.transact(async (tx) => {
    await tx.lockSession(seen.sessionId);
    const attempt = await tx.attempt(expired.taskId, expired.number);
    if (attempt?.state !== 'claimed' && attempt?.state !== 'exited') return false;
    if (attempt.leaseUntil === null || attempt.leaseUntil >= leaseNow) return false;
    await tx.putAttempt({ ...attempt, state: 'lost' });
    await loseTask(tx, { parts, attempt, now });
    tx.notify(`session:${seen.sessionId}`);
    return true;
  });
}

async function loseTask(
  tx: Transaction,
  { parts, attempt, now }: { readonly parts: SessionParts; readonly attempt: Attempt; readonly now: number },
): Promise<void> {
  const task = await tx.task(attempt.taskId);
  if (!task || task.attempt !== attempt.number || !isActive(task.status)) return;
  const lost = await putAndTell(
    tx,
    {
      ...task,
      status: 'LOST',
      reason: 'lost_lease',
      message: `its agent ${attempt.agentId} has not been heard of; the run may still be going`,
    },
    now,
  );
  await endReport(tx, { task: lost, now });
  await announceLost(tx, parts, { task: lost, attempt, now });
  await releaseReservation(tx, task.id, now);
  await auditTask(tx, {
    parts,
    caller: systemCaller,
    action: 'task.lost',
    task: lost,
    now,
    details: { agentId: attempt.agentId },
  });
}
