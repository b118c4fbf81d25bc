/**
 * A year in an office, or ten days of it: twenty workflows on a server's own verbs, whose ledger is held against books that the
 * test keeps by itself. `KERUTA_SOAK=full` simulates the year, and prints the report.
 */
import { expect, test } from 'vitest';
import { dropOldLedger } from '../../../../internal/session/drop-ledger.ts';
import { executionStats } from '../../../../internal/session/ledger-stats.ts';
import { compareWorkflow } from '../../../../internal/session/migrate-workflow.ts';
import { sealLedger } from '../../../../internal/session/seal-ledger.ts';
import { verifyLedger } from '../../../../internal/session/verify-ledger.ts';
import { never } from '../claims-world.ts';
import type { End } from './book.ts';
import { checkLimits, checkRefusals, localHour } from './limits-check.ts';
import { dayMs, Office } from './office.ts';
import { plans } from './plan.ts';
import { allEntries, totalsOfBook, totalsOfLedger } from './recount.ts';
import { reportOf } from './report.ts';

const isFull = process.env.KERUTA_SOAK === 'full';
const [days, seed] = [isFull ? 365 : 10, Number(process.env.KERUTA_SOAK_SEED ?? 20261121)];
const mean = (values: readonly number[]) =>
  values.length === 0 ? null : Math.round(values.reduce((sum, one) => sum + one, 0) / values.length);
const p95 = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.ceil(0.95 * values.length) - 1] ?? null;

/** What a status shows of a trigger, held against the books. */
async function checkStatus(office: Office): Promise<void> {
  const { book, now, parts } = office;
  const byTrigger = Map.groupBy(book.ends, ({ run }) => run.triggerId);
  for (const [triggerId, ends] of byTrigger) {
    const plan = ends[0]?.run.plan;
    if (plan === undefined) continue;
    const zone = plan.cron?.zone ?? 'UTC';
    const last = [...new Map(ends.slice(-100).map((end): [string, End] => [end.run.id, end])).values()];
    const judged = last.filter(({ status }) => status !== 'CANCELLED');
    const durations = last.flatMap(({ durationMs }) => durationMs ?? []);
    const today = ends.filter(
      ({ at }) => localHour(zone, at).slice(0, 10) === localHour(zone, now).slice(0, 10),
    );
    const { checks: _, ...stats } = await executionStats(parts, {
      triggerId,
      workflow: plan.name,
      zone,
      now,
    });
    expect({ workflow: plan.name, now, ...stats }).toEqual({
      ...{ workflow: plan.name, now, count: last.length },
      successRate:
        judged.length === 0
          ? null
          : judged.filter(({ status }) => status === 'COMPLETED').length / judged.length,
      ...{ meanDurationMs: mean(durations), p95DurationMs: p95(durations) },
      costTodayMicros: today.reduce((sum, { micro }) => sum + micro, 0),
    });
  }
}

/** What `keruta workflow compare` shows of the last month, held against the books. */
async function checkComparisons(office: Office): Promise<void> {
  const since = office.now - 30 * dayMs;
  for (const { name } of plans.filter(({ workflow }) => workflow.fallback)) {
    const { sides } = await compareWorkflow(office.parts, { workflow: name, since });
    const runs = office.book.of(name).filter(({ createdAt }) => createdAt >= since);
    expect(runs.length).toBeLessThan(1000);
    for (const side of sides) {
      const own = runs.filter(({ kind }) => kind === side.mode);
      const count = (status: string) => own.filter((run) => run.status === status).length;
      const [succeeded, failed] = [count('COMPLETED'), count('FAILED')];
      const durations = own.flatMap(({ durationMs }) => durationMs ?? []);
      const micro = own.reduce((sum, run) => sum + run.micro, 0);
      expect({ name, ...side }).toEqual({
        ...{ name, mode: side.mode, runs: own.length, succeeded, failed },
        successRate: succeeded + failed === 0 ? null : succeeded / (succeeded + failed),
        ...{ meanDurationMs: mean(durations), p95DurationMs: p95(durations), totalCostMicro: micro },
        meanCostMicro: own.length === 0 ? null : Math.round(micro / own.length),
      });
    }
  }
}

test(
  `${days} days of twenty workflows, with failures, outages and weights from 0 to 1, come to the same totals in the ledger and in books that are kept apart from it`,
  async () => {
    const office = await Office.open(seed);
    const { book, begin, parts } = office;
    const until = begin + days * dayMs;
    for (let day = 4; day < days; day += 10)
      office.agenda.add(begin + day * dayMs + 5, () => office.whenUp(() => checkStatus(office)));
    await office.live(until);
    expect(book.openRuns()).toEqual([]);

    const entries = await allEntries(parts.store);
    const inLedger = totalsOfLedger(entries);
    const inBook = new Map(plans.map((plan) => [plan.name, totalsOfBook(book, plan, { begin, until })]));
    expect({ seed, totals: Object.fromEntries(inLedger) }).toEqual({
      ...{ seed, totals: Object.fromEntries(inBook) },
    });
    for (const [name, { opened, closed }] of book.breakers) {
      const acts = (kind: string) =>
        entries.filter((entry) => entry.kind === kind && entry.workflow === name).length;
      const told = { name, opened: acts('breaker.opened'), closed: acts('breaker.closed') };
      expect(told).toEqual({ name, opened, closed });
    }
    await checkStatus(office);
    await checkComparisons(office);

    // every limit was kept, and whatever was refused was refused for a reason
    expect(checkLimits(book)).toBeGreaterThan(days);
    const reasons = new Map<string, Record<string, number>>();
    for (const plan of plans) {
      const workflow = await parts.store.workflowByName(plan.name);
      const filter = { workflowId: workflow?.id ?? '', decision: 'skipped' as const };
      const skipped = await parts.store.occurrences(filter, { limit: 1_000_000, offset: 0 });
      expect(skipped).toHaveLength(inBook.get(plan.name)?.skipped ?? -1);
      reasons.set(plan.name, checkRefusals(book, plan, skipped));
    }
    // all of it did happen
    const all = new Set([...reasons.values()].flatMap(Object.keys));
    const seldom = ['cooldown', 'breaker_open', 'approval_asked'];
    for (const reason of ['run_limit', 'outside_hours', 'shadow', ...(isFull ? seldom : [])])
      expect([...all]).toContain(reason);
    expect(office.outages).toBeGreaterThan(0);
    if (isFull) expect(office.lost).toBeGreaterThan(0);

    // the chain is whole, and what goes by its age is accounted for
    await sealLedger(parts, never);
    expect(await verifyLedger(parts)).toMatchObject({ fault: null, unsealed: 0 });
    await dropOldLedger({ ...parts, ledgerKeepMs: (days / 2) * dayMs }, never);
    await sealLedger(parts, never);
    expect(await verifyLedger(parts)).toMatchObject({ fault: null });
    const left = await allEntries(parts.store);
    const dropped = left.filter(({ kind }) => kind === 'ledger.dropped').map(({ details }) => details);
    const micro = (of: typeof entries) => of.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0);
    const gone = dropped.reduce((sum, { costMicros }) => sum + Number(costMicros), 0);
    expect(gone).toBeGreaterThan(0);
    expect(micro(left) + gone).toBe(micro(entries));
    const rows = dropped.reduce((sum, details) => sum + Number(details.rows), 0);
    expect(rows + left.length - dropped.length).toBe(entries.length);

    const report = await reportOf(office, { totals: inLedger, reasons, days });
    for (const { name } of plans) expect(report).toContain(`| ${name} |`);
    if (isFull) process.stdout.write(`${report}\n`);
  },
  isFull ? 7_200_000 : 600_000,
);
