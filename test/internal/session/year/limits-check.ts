/** Whether every limit of a year was kept, and every refusal was due, by the test's own books. */
import { expect } from 'vitest';
import type { Occurrence } from '../../../../internal/domain/workflow.ts';
import type { Book, Run } from './book.ts';
import { type Plan, plans } from './plan.ts';

const minuteMs = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The date and hour of a zone, such as `2026-03-08 02`. */
export function localHour(zone: string, at: number): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  formats.set(zone, format);
  return format.format(at).slice(0, 13);
}

const localDate = (zone: string, at: number) => localHour(zone, at).slice(0, 10);
const zoneOf = ({ cron }: Plan) => cron?.zone ?? 'UTC';

/** Runs that count for limits: not hooks. */
const limited = (book: Book, name: string) => book.of(name).filter(({ kind }) => kind !== 'hook');
/** Runs that pass all gates: a fallback meets those of runs only. */
const gated = (book: Book, name: string) => limited(book, name).filter(({ kind }) => kind !== 'fallback');

/** Holds every run against the policy of its workflow. @returns how many comparisons were made */
export function checkLimits(book: Book): number {
  let looked = 0;
  for (const plan of plans) {
    const { policy = {} } = plan.workflow as { policy?: Record<string, unknown> };
    const runs = gated(book, plan.name);
    const about = (run: Run, what: unknown) => ({ workflow: plan.name, at: run.createdAt, what });
    const perDay = Map.groupBy(limited(book, plan.name), (run) => localDate(zoneOf(plan), run.createdAt));
    for (const own of perDay.values()) {
      looked += 1;
      if (policy.maxRunsPerDay) expect(own.length).toBeLessThanOrEqual(Number(policy.maxRunsPerDay));
      const spent = own.reduce((all, { micro }) => all + micro, 0);
      // with an estimate that no run exceeds the day is exact; else the last call of each run may go over
      if (policy.costEstimate) expect(spent).toBeLessThanOrEqual(Number(policy.maxCostPerDay) * 1e6);
    }
    for (const [n, run] of runs.entries()) {
      looked += 1;
      const before = runs[n - 1];
      // all of them are minutes
      const cooldownMs = Number.parseInt(String(policy.cooldown ?? '0'), 10) * minuteMs;
      const lastSuccess = Math.max(
        ...runs
          .slice(Math.max(0, n - 50), n)
          .map(({ hasSucceededAt }) =>
            hasSucceededAt !== null && hasSucceededAt <= run.createdAt ? hasSucceededAt : 0,
          ),
        0,
      );
      const from = policy.cooldownFrom === 'success' ? lastSuccess : (before?.createdAt ?? 0);
      expect(about(run, run.createdAt - from >= cooldownMs)).toEqual(about(run, true));
      if (policy.maxConcurrent) {
        const beside = runs.slice(0, n).filter(({ endedAt }) => endedAt === null || endedAt > run.createdAt);
        expect(about(run, beside.length < Number(policy.maxConcurrent))).toEqual(about(run, true));
      }
      if (policy.allowedHours)
        expect(about(run, isOfficeHour(zoneOf(plan), run.createdAt))).toEqual(about(run, true));
      expect(about(run, policy.mode)).not.toEqual(about(run, 'shadow'));
    }
  }
  return looked;
}

const isOfficeHour = (zone: string, at: number) => {
  const [date = '', hour = ''] = localHour(zone, at).split(' ');
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekday >= 1 && weekday <= 5 && Number(hour) >= 9 && Number(hour) < 17;
};

/** Holds every refusal against what was used up by then. @returns how many, by reason */
export function checkRefusals(
  book: Book,
  plan: Plan,
  skipped: readonly Occurrence[],
): Record<string, number> {
  const { policy = {} } = plan.workflow as { policy?: Record<string, unknown> };
  const reasons: Record<string, number> = {};
  const zone = zoneOf(plan);
  const runs = limited(book, plan.name);
  for (const { reason, decidedAt: at } of skipped) {
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    const about = { workflow: plan.name, reason, at };
    if (reason === 'run_limit') {
      const before = runs.filter(({ createdAt }) => createdAt <= at && createdAt > at - 26 * 60 * minuteMs);
      const ofDay = before.filter(({ createdAt }) => localDate(zone, createdAt) === localDate(zone, at));
      const ofHour = ofDay.filter(({ createdAt }) => localHour(zone, createdAt) === localHour(zone, at));
      const isFull = ofDay.length === policy.maxRunsPerDay || ofHour.length === policy.maxRunsPerHour;
      expect({ ...about, isFull }).toEqual({ ...about, isFull: true });
    }
    if (reason === 'outside_hours')
      expect({ ...about, is: isOfficeHour(zone, at) }).toEqual({ ...about, is: false });
    if (reason === 'concurrency') {
      const open = runs.filter(({ createdAt, endedAt }) => createdAt <= at && (endedAt ?? at + 1) > at);
      expect({ ...about, open: open.length }).toEqual({ ...about, open: policy.maxConcurrent });
    }
    if (reason === 'shadow') expect(policy.mode).toBe('shadow');
    if (reason === 'breaker_open') expect(policy.breaker).toBeDefined();
  }
  return reasons;
}
