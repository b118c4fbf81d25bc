import type { GithubApp } from '../../pkg/github/app.ts';
import { GithubError } from '../../pkg/github/github-error.ts';
import type { Report } from '../domain/report.ts';
import { retryDelayMs } from '../domain/retry.ts';
import type { Sent } from './outbox.ts';
import type { SessionParts } from './parts.ts';
import { markOf } from './report-words.ts';

/** For telling one report; ms. */
const tellMs = 30_000;
/** A server that has a report and is gone is waited for this long; ms. Longer than telling it takes. */
export const reportTakenMs = 45_000;
/** Between tries; ms. */
const delays = { backoff: 'exponential', delayMs: 5_000, maxDelayMs: 15 * 60_000 } as const;
/** When GitHub was asked too often, and does not say how long to wait; ms. */
const limitMs = 60_000;
/** After that nobody cares any more; ms. */
const giveUpAfterMs = 24 * 3_600_000;

/**
 * Takes one report and tells it.
 * @returns null when another server has it
 * @throws only what the store throws
 */
export async function sendReport(
  parts: SessionParts,
  app: GithubApp,
  work: { readonly taskId: string; readonly signal: AbortSignal },
): Promise<Sent | null> {
  const { store, log, random } = parts;
  const now = await store.now();
  const report = await take(parts, work.taskId, now);
  if (report === null) return null;
  const late = new AbortController();
  const cancelLate = parts.clock.after(tellMs, () => late.abort(new Error('it took too long')));
  const signal = AbortSignal.any([work.signal, late.signal]);
  try {
    const isStatusTold = report.target.sha === null || (await store.hasNewerReport(report));
    const refusal = isStatusTold ? null : await tellStatus(app, report, signal);
    await tellComment(app, report, signal);
    if (refusal !== null) throw refusal;
    await settle(parts, report, { dueAt: null, error: null });
    return { holdMs: 0, isTold: true };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    if (work.signal.aborted) {
      await settle(parts, report, { dueAt: now, error: null });
      return { holdMs: 0, isTold: false };
    }
    const waitMs = retryDelayMs(delays, report.tries, random.fraction());
    const holdMs = error.isRateLimit ? Math.max(waitMs, error.retryAfterMs ?? limitMs) : 0;
    const dueAt = now + Math.max(waitMs, error.retryAfterMs ?? 0, holdMs);
    const isGivenUp = !error.isPassing || dueAt > report.wishedAt + giveUpAfterMs;
    const { fullName } = report.target.repository;
    log.warn(isGivenUp ? 'GitHub does not take a report; it is given up' : 'GitHub did not take a report', {
      ...{ taskId: report.taskId, repository: fullName, error },
    });
    await settle(parts, report, { dueAt: isGivenUp ? null : dueAt, error: error.message });
    return { holdMs, isTold: false };
  } finally {
    cancelLate();
  }
}

async function take({ store }: SessionParts, taskId: string, now: number): Promise<Report | null> {
  return store.transact(async (tx) => {
    const isTaken = await tx.takeReport(taskId, { now, until: now + reportTakenMs });
    return isTaken ? tx.report(taskId) : null;
  });
}

function settle(
  { store }: SessionParts,
  report: Report,
  end: Pick<Report, 'dueAt' | 'error'>,
): Promise<void> {
  return store.transact((tx) => tx.settleReport(report, end));
}

/** @returns why GitHub does not want it; a comment may be welcome all the same */
async function tellStatus(
  app: GithubApp,
  { target, wish }: Report,
  signal: AbortSignal,
): Promise<GithubError | null> {
  const { repository, sha, context, targetUrl } = target;
  const { state, description } = wish;
  if (sha === null) return null;
  try {
    await app.setStatus(repository, sha, { state, context, description, targetUrl }, signal);
    return null;
  } catch (error) {
    if (error instanceof GithubError && !error.isPassing) return error;
    throw error;
  }
}

/** A comment is written once: when a try before may have written it, it is looked for first. */
async function tellComment(app: GithubApp, report: Report, signal: AbortSignal): Promise<void> {
  const { target, wish, tries, wishedAt } = report;
  const { repository, thread } = target;
  if (wish.comment === null || thread === null) return;
  const text = markOf(report);
  // clocks differ, and GitHub's is what comments bear
  const since = wishedAt - 10 * 60_000;
  if (tries > 1 && (await app.hasComment(repository, thread, { text, since }, signal))) return;
  await app.comment(repository, thread, `${wish.comment}\n\n${text}`, signal);
}
