import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../internal/domain/ledger.ts';
import { addCost } from '../../../internal/session/add-cost.ts';
import { applyWorkflow, deleteWorkflow } from '../../../internal/session/apply-workflow.ts';
import { retryTask } from '../../../internal/session/retry.ts';
import { setStatus } from '../../../internal/session/set-status.ts';
import { tick } from '../../../internal/session/tick.ts';
import { fireNow, pauseTrigger, resumeTrigger } from '../../../internal/session/trigger-verbs.ts';
import { caller, FakeAgent, makeWorld, never, sessionId } from './claims-world.ts';

const somebody = { ...caller, actor: 'token-of-ada' };
const minutely = { type: 'cron', expression: '* * * * *' };

/** A workflow in the session that the fake agent claims of. */
async function world(workflow: object = {}) {
  const made = await makeWorld();
  const value = { name: 'w', session: 'demo', run: 'true', triggers: [minutely], ...workflow };
  const apply = (more: object = {}) =>
    applyWorkflow(made.parts, { caller: somebody, owner: 'api', value: { ...value, ...more } });
  await apply();
  const minute = async () => {
    made.clock.advance(60_000);
    await tick(made.parts, never);
  };
  /** Everything about executions, oldest first. */
  const steps = async () =>
    (await made.store.ledger({}, { limit: 100 })).filter(({ status }) => status !== null).reverse();
  const acts = async () =>
    (await made.store.ledger({}, { limit: 100 })).filter(({ status }) => status === null).reverse();
  return { ...made, apply, minute, steps, acts };
}

const statusesOf = (entries: readonly LedgerEntry[]) => entries.map(({ status }) => status);

describe('the ledger', () => {
  test('has a row for each step of an execution, all under the id of its occurrence', async () => {
    const { minute, steps, agent, clock, store } = await world();
    await minute();
    const runner = agent();
    await runner.claim();
    clock.advance(1_500);
    await runner.exited({});
    await runner.finish();
    const [occurrence] = await store.occurrences({}, { limit: 1, offset: 0 });
    const all = await steps();
    expect(statusesOf(all)).toEqual(['PENDING', 'RUNNING', 'SUCCESS']);
    expect(new Set(all.map(({ executionId }) => executionId))).toEqual(new Set([occurrence?.id]));
    expect(all[0]).toMatchObject({
      ...{ kind: 'cron_execution', workflow: 'w', version: 1, trigger: 'cron', source: 'cron' },
      ...{ decision: 'run', reason: 'due', actor: 'system', attempts: 0, delayMs: 0, checks: [], mode: null },
      details: { key: occurrence?.key },
    });
    expect(all[2]).toMatchObject({
      ...{ workflow: 'w', trigger: 'cron', version: 1, attempts: 1, durationMs: 1000, errorClass: null },
      taskId: occurrence?.taskId,
    });
  });

  test('tells what was tried again, and what went wrong', async () => {
    const retry = { maxAttempts: 2, backoff: 'fixed', delay: '1s' };
    const { minute, steps, agent, clock } = await world({ retry });
    await minute();
    const runner = agent();
    for (const exitCode of [3, 4]) {
      clock.advance(2_000);
      await runner.claim();
      await runner.exited({ exitCode });
      await runner.finish({ exitCode });
    }
    const all = await steps();
    expect(statusesOf(all)).toEqual(['PENDING', 'RUNNING', 'PENDING', 'RUNNING', 'FAILED']);
    expect(all.map(({ reason, attempts }) => [reason, attempts])).toEqual([
      ['due', 0],
      ['due', 1],
      ['retry', 1],
      ['due', 2],
      ['due', 2],
    ]);
    expect(all[2]).toMatchObject({ errorClass: 'SCRIPT_EXECUTION_ERROR' });
    expect(all[4]).toMatchObject({
      errorClass: 'SCRIPT_EXECUTION_ERROR',
      error: expect.stringContaining('4'),
    });
  });

  test('tells at each end of one that is tried again by hand what it cost since: the sum is what was spent', async () => {
    const { minute, steps, agent, parts, store } = await world();
    await minute();
    const runner = agent();
    const spend = async (micro: number, exitCode: number) => {
      const claimed = await runner.claim();
      const cost = { micro, tokensIn: 10, tokensOut: 1, model: 'm' };
      const ref = { caller, taskId: claimed?.task.id ?? '' };
      await addCost(parts, ref, cost);
      await runner.finish({ exitCode });
      return ref;
    };
    const ref = await spend(100_000, 1);
    await retryTask(parts, ref);
    await spend(20_000, 1);
    await retryTask(parts, ref);
    await runner.claim();
    await runner.finish();
    const ends = (await steps()).filter(({ status }) => status === 'FAILED' || status === 'SUCCESS');
    expect(ends.map(({ costMicros, llmCalls, tokensIn }) => [costMicros, llmCalls, tokensIn])).toEqual([
      [100_000, 1, 10],
      [20_000, 1, 10],
      [null, null, null],
    ]);
    expect(await store.ledgerCost({})).toBe(120_000);
  });

  test('tells what did not run, and why', async () => {
    const { minute, steps, parts, store } = await world();
    await minute();
    await minute();
    const [first] = await store.tasks({ sessionId }, 'queue');
    await setStatus(parts, { caller: somebody, taskId: first?.id ?? '' }, { status: 'CANCELLED' });
    const all = await steps();
    expect(statusesOf(all)).toEqual(['PENDING', 'SKIPPED', 'CANCELLED']);
    expect(all[1]).toMatchObject({
      ...{ reason: 'overlap_skipped', decision: 'skipped', taskId: null, attempts: null },
      details: { taskId: first?.id },
    });
  });

  test('reads checks and mode where they were put, and calls a fallback that ends well so', async () => {
    const { parts, store, agent, steps } = await world();
    const { trigger, workflow } = await findW(store);
    const { fireIn } = await import('../../../internal/session/fire.ts');
    const now = await store.now();
    const checks = [{ name: 'cooldown', passed: true, limit: 60, value: 61 }];
    await store.transact((tx) =>
      fireIn(tx, parts, {
        ...{ trigger, workflow, key: 'k', source: 'cron', reason: 'due', actor: 'system' },
        ...{ nominalAt: now, effectiveAt: now, now, details: { checks, mode: 'fallback', weight: 0 } },
      }),
    );
    const runner = agent();
    await runner.claim();
    await runner.exited({});
    await runner.finish();
    const all = await steps();
    expect(all[0]).toMatchObject({ checks, mode: 'fallback', details: { key: 'k', weight: 0 } });
    expect(all[2]).toMatchObject({ status: 'FALLBACK', mode: 'fallback', checks: [] });
  });

  test('has a row of hooks too, and of many events at once', async () => {
    const { minute, steps, agent } = await world({ onError: 'echo sorry' });
    await minute();
    const runner = agent();
    await runner.claim();
    await runner.exited({ exitCode: 1 });
    await runner.finish({ exitCode: 1 });
    await runner.claim();
    await runner.exited({});
    await runner.finish();
    const hook = (await steps()).filter(({ kind }) => kind === 'task_end_execution');
    expect(statusesOf(hook)).toEqual(['PENDING', 'RUNNING', 'SUCCESS']);
    expect(hook[0]).toMatchObject({ workflow: 'w', trigger: 'cron', reason: 'on_error' });
  });

  test('has one row for each act, with who, and what changed', async () => {
    const { parts, acts, apply } = await world();
    const ref = { caller: somebody, workflow: 'w', trigger: 'cron' };
    await apply({ description: 'better', overlap: 'allow' });
    await pauseTrigger(parts, ref);
    await resumeTrigger(parts, ref);
    const fired = await fireNow(parts, { caller: somebody, workflow: 'w' });
    await deleteWorkflow(parts, { caller: somebody, name: 'w' });
    const all = await acts();
    expect(all.map(({ kind }) => kind)).toEqual([
      ...['workflow.created', 'workflow.updated', 'trigger.paused', 'trigger.resumed', 'trigger.fired'],
      'workflow.deleted',
    ]);
    expect(new Set(all.map(({ actor }) => actor))).toEqual(new Set(['token-of-ada']));
    expect(all[1]).toMatchObject({ version: 2, details: { changed: ['description', 'overlap'] } });
    expect(all[4]).toMatchObject({ trigger: 'manual', details: { executionId: fired.occurrence.id } });
    expect(await parts.store.audit({ limit: 9, offset: 0 })).toEqual([]);
  });

  test('of a task that nothing fired says nothing', async () => {
    const { addTask, agent, parts, steps } = await world({ triggers: [] });
    await addTask();
    const runner = new FakeAgent(parts, agent().id);
    await runner.claim();
    await runner.exited({});
    await runner.finish();
    expect(await steps()).toEqual([]);
  });
});

const step = fc.oneof(
  fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 12 }) }),
  fc.constantFrom(
    { do: 'hold' as const },
    { do: 'resume' as const },
    { do: 'fire' as const },
    { do: 'end' as const },
  ),
);

test('of every due instant there is exactly one decision in the ledger, whatever happens meanwhile', {
  timeout: 60_000,
}, async () => {
  const policies = fc.record({
    overlap: fc.constantFrom('skip', 'allow', 'buffer_one', 'cancel_other'),
    catchUp: fc.constantFrom('none', 'last', 'all'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), policies, async (plan, policy) => {
      const { parts, store, clock, apply } = await world(policy);
      const ref = { caller, workflow: 'w', trigger: 'cron' };
      const began = await store.now();
      for (const one of plan) {
        if (one.do === 'hold') await pauseTrigger(parts, ref);
        else if (one.do === 'resume') await resumeTrigger(parts, ref);
        else if (one.do === 'fire') await fireNow(parts, { caller, workflow: 'w' });
        else if (one.do === 'end') {
          const [task] = await store.tasks({ sessionId, statuses: ['PENDING'] }, 'queue');
          if (task) await setStatus(parts, { caller, taskId: task.id }, { status: 'COMPLETED' });
        } else {
          clock.advance(one.minutes * 60_000);
          await tick(parts, never);
        }
      }
      await resumeTrigger(parts, ref);
      await tick(parts, never);
      expect((await apply()).change).toBe('unchanged');
      const entries = await store.ledger({ kind: 'cron_execution' }, { limit: 1000 });
      const decisions = entries.filter(
        ({ status, reason }) => status === 'SKIPPED' || (status === 'PENDING' && reason !== 'retry'),
      );
      const minute = 60_000;
      const due = Math.floor((await store.now()) / minute) - Math.floor(began / minute);
      const instants = decisions.map(({ nominalAt }) => nominalAt).sort();
      expect(instants).toHaveLength(due);
      expect(new Set(instants).size).toBe(due);
      const runs = await store.occurrences({ decision: 'run' }, { limit: 1000, offset: 0 });
      const byHand = (
        await store.ledger({ kind: 'manual_execution', statuses: ['PENDING', 'SKIPPED'] }, { limit: 1000 })
      ).length;
      const fired = plan.filter((one) => one.do === 'fire').length;
      expect([byHand, decisions.filter(({ decision }) => decision === 'run').length]).toEqual([
        fired,
        runs.filter(({ source }) => source === 'cron').length,
      ]);
    }),
    { numRuns: 20 },
  );
});

async function findW(store: Awaited<ReturnType<typeof makeWorld>>['store']) {
  const { findTrigger } = await import('../../../internal/session/trigger-verbs.ts');
  return findTrigger(store, { workflow: 'w', trigger: 'cron' });
}
