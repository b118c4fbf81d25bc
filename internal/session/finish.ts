import type { z } from 'zod';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import type { FinishAnswer, finishRequest } from '../api/protocol.ts';
import type { Attempt } from '../domain/attempt.ts';
import { KerutaError } from '../domain/errors.ts';
import type { Failure } from '../domain/fix.ts';
import type { Outcome } from '../domain/outcome.ts';
import { isClosed } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { Reads, Transaction } from '../store/store.ts';
import { noteSighting, putSighting } from './agent-seen.ts';
import { costMessage, withCostReason } from './cost-end.ts';
import { decidesTask, endTask, judgeAttempt, withEnd } from './end-attempt.ts';
import { type AttemptRef, type HeldAttempt, onAttempt } from './fence.ts';
import { checkBarrier } from './finish-barrier.ts';
import { makeFixTask } from './fix-task.ts';
import { followEnd } from './follow-end.ts';
import type { SessionParts } from './parts.ts';
import { auditTask } from './put-task.ts';
import { emptyOtherStreams } from './resend-stream.ts';
import { retryByItself } from './retry-by-itself.ts';

/** For how long the token of a finished run stays valid: its last artifacts and logs may be under way; ms. */
const tokenGraceMs = 600_000;

/** The final report of a run. */
export type FinishReport = z.output<typeof finishRequest>;

/**
 * Closes an attempt: the barrier (every message, byte and artifact is here), the outcome, and what follows of it: a new
 * attempt while retries are left, else a fix task when one is asked for and lawful. All in one transaction; said again,
 * it gives the same answer.
 *
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_UNFINISHED with what is here, KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export async function finish(
  parts: SessionParts,
  ref: AttemptRef & { readonly report: FinishReport },
): Promise<FinishAnswer> {
  const { answer, sighting } = await finishIfComplete(parts, ref).catch(async (error: unknown) => {
    // what is not here is sent again; bytes that are others than those that were sent have to make room for that first
    if (isUnfinished(error)) await emptyOtherStreams(parts, { ...ref, said: ref.report.streams });
    throw error;
  });
  failpoint('before_ack');
  if (sighting && sighting.agentId !== '') noteSighting(parts.store, sighting);
  return answer;
}

function finishIfComplete(parts: SessionParts, ref: AttemptRef & { readonly report: FinishReport }) {
  return onAttempt(parts, { ...ref, settled: true }, async (tx, held) => {
    const { task, attempt, now } = held;
    const about = { agentId: attempt.agentId, sessionId: task.sessionId, taskId: null, now };
    if (attempt.state === 'finished') return { answer: await answerAgain(tx, held), sighting: null };
    const { logComplete } = await checkBarrier(tx, held, ref.report);
    if (!logComplete) await auditMismatch(tx, parts, { ...ref, held });
    const given = await finishNow(tx, { parts, held, report: ref.report, logComplete });
    if (about.agentId !== '') await putSighting(tx, about);
    return { answer: given, sighting: about };
  });
}

function isUnfinished(error: unknown): boolean {
  return error instanceof KerutaError && error.code === 'KERUTA_ERR_ATTEMPT_UNFINISHED';
}

/** A log that stays other than its agent says is on record; the task shows it as not complete. */
async function auditMismatch(
  tx: Transaction,
  parts: SessionParts,
  { caller, held, report }: AttemptRef & { readonly held: HeldAttempt; readonly report: FinishReport },
): Promise<void> {
  const { task, attempt, now } = held;
  const details = { here: attempt.streams, said: report.streams };
  await auditTask(tx, { parts, caller, action: 'stream.mismatch', task, now, details });
}

interface Finishing {
  readonly parts: SessionParts;
  readonly held: HeldAttempt;
  readonly report: FinishReport;
  /** false: the streams are here, but not as their agent says */
  readonly logComplete: boolean;
}

async function finishNow(tx: Transaction, finishing: Finishing): Promise<FinishAnswer> {
  const { parts, held, report, logComplete } = finishing;
  const ended = await withCostReason(tx, withEnd(held.attempt, report));
  const attempt: Attempt = { ...ended, state: 'finished', usage: report.usage };
  const judged = judgeAttempt(attempt, report);
  const outcome = { ...judged, message: judged.message || (await costMessage(tx, attempt)) };
  await tx.putAttempt(attempt);
  await tx.expireTaskTokens(held.task.id, held.now + tokenGraceMs);
  if (!(await decidesTask(tx, held))) return { status: outcome.status, fixTaskId: null, willRetry: false };
  const task = await endTask(tx, held, { attempt, outcome, logComplete });
  const { retryAfterMs = 0 } = attempt.declared ?? {};
  const willRetry = await retryByItself(tx, parts, { task, askedMs: retryAfterMs, now: held.now });
  const fixTaskId = willRetry ? null : await fix(tx, { ...finishing, task, attempt, outcome });
  if (!willRetry) await followEnd(tx, parts, { task, now: held.now });
  const answer = { status: outcome.status, fixTaskId, willRetry };
  if (willRetry || fixTaskId !== null) {
    const taskId = task.id;
    await tx.putMeta(answerName(taskId, attempt.number), JSON.stringify(answer), { taskId });
  }
  return answer;
}

/** The plain answer follows from the row of the attempt; any other one was kept. */
async function answerAgain(reads: Reads, { task, attempt }: HeldAttempt): Promise<FinishAnswer> {
  const kept = await reads.meta(answerName(task.id, attempt.number));
  if (kept !== null) return JSON.parse(kept) as FinishAnswer;
  return { status: judgeAttempt(attempt, {}).status, fixTaskId: null, willRetry: false };
}

function answerName(taskId: string, number: number): string {
  return `finish:${taskId}:${number}`;
}

async function fix(
  tx: Transaction,
  failed: Finishing & { readonly task: Task; readonly attempt: Attempt; readonly outcome: Outcome },
): Promise<string | null> {
  const { parts, report, task, attempt, outcome } = failed;
  if (task.status !== 'FAILED' || report.fix === null) return null;
  if (task.autoFix === false || attempt.declared?.autoFix === false) return null;
  const session = await tx.session(task.sessionId);
  if (session === null || isClosed(session.status)) return null;
  const failure: Failure = {
    errorCode: outcome.errorCode,
    errorMessage: outcome.message,
    occurredAt: Date.parse(report.exitedAt),
    bundle: report.fix.bundle,
    fingerprint: report.fix.fingerprint,
  };
  const { script, byAgent } = report.fix;
  const wish = { parts, task, failure, way: { script, byAgent }, now: failed.held.now };
  return (await makeFixTask(tx, wish)).task?.id ?? null;
}
