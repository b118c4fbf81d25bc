import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serverMetricTable } from '../../../../internal/domain/metric-table.ts';
import { makeBreakerSamples } from '../../../../internal/server/metrics/figures.ts';
import { maxTriggerLabels, ServerMetrics } from '../../../../internal/server/metrics/server-metrics.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { sampleTask } from '../../store/samples.ts';
import { sampleOccurrence } from '../../store/workflow-samples.ts';
import { applyHook, send } from '../webhook-world.ts';
import { find, startObserved, valuesOf } from './observed-server.ts';

let server: Awaited<ReturnType<typeof startObserved>>;
beforeEach(async () => {
  server = await startObserved();
});
afterEach(() => server.close());

/** Submits a task and runs it to its end. */
async function runTask(more: object = {}) {
  const name = `s-${systemRandom.uuid4()}`;
  const { body: session } = await server.call('POST', 'sessions', { name });
  const wish = { sessionId: session.id, name: 'build', script: 'true', ...more };
  const { body: task } = await server.call('POST', 'tasks', wish);
  for (const status of ['PROCESSING', 'COMPLETED'])
    await server.call('PUT', `tasks/${task.id}/status`, { status, message: '', progress: 0 });
}

describe('/metrics', () => {
  test('shows every metric of the table, and nothing else', async () => {
    const text = await server.scrape();
    const shown = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${type} ${name}`);
    const rows = Object.values(serverMetricTable).map(({ name, type }) => `${type} ${name}`);
    expect(shown.toSorted()).toEqual(rows.toSorted());
  });

  test('takes an admin token or a read-only one that is bound to no session', async () => {
    const { body: session } = await server.call('POST', 'sessions', { name: 'demo' });
    const make = async (wish: object) => (await server.call('POST', 'tokens', wish)).body.token as string;
    const free = await make({ scope: 'read-only', name: 'prometheus' });
    const bound = await make({ scope: 'read-only', name: 'x', sessionId: session.id });
    const ofSession = await make({ scope: 'session', name: 'y', sessionId: session.id });
    const answers = await Promise.all(
      [free, bound, ofSession, 'krt_adm_wrong'].map((token) =>
        server.call('GET', '/metrics', undefined, token),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403, 401]);
    expect(answers[0]?.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  test('counts what ended, how long it took and how long it waited', async () => {
    await runTask();
    await runTask();
    const values = await server.values();
    const direct = { trigger: 'direct', status: 'success' };
    expect(find(values, 'keruta_executions_total', { ...direct, decision: 'classic' })).toBe(2);
    expect(find(values, 'keruta_execution_duration_seconds_count', direct)).toBe(2);
    expect(find(values, 'keruta_task_wait_seconds_count')).toBe(2);
    expect(find(values, 'keruta_active_tasks')).toBe(0);
  });

  test('tells the queue as it stands', async () => {
    const { body: session } = await server.call('POST', 'sessions', { name: 'demo' });
    for (const name of ['a', 'b'])
      await server.call('POST', 'tasks', { sessionId: session.id, name, script: 'true' });
    const values = await server.values();
    expect(find(values, 'keruta_queue_depth')).toBe(2);
    expect(find(values, 'keruta_tasks', { status: 'pending' })).toBe(2);
    expect(find(values, 'keruta_oldest_pending_age_seconds')).toBeGreaterThanOrEqual(0);
    expect(find(values, 'keruta_triggers', { state: 'awake' })).toBe(0);
  });

  test('counts requests by the template of their route, never by their path', async () => {
    for (const id of ['a', 'b', 'c']) await server.call('GET', `tasks/${id}`);
    for (const path of ['/nothing/here', '/nothing/there']) await server.call('GET', path);
    const values = await server.values();
    const requests = values.filter(({ name }) => name === 'keruta_http_requests_total');
    const ofTask = { method: 'GET', route: '/api/v1/tasks/:id', status: '4xx' };
    expect(requests.find(({ labels }) => labels.route === ofTask.route)).toMatchObject({
      labels: ofTask,
      value: 3,
    });
    expect(find(requests, 'keruta_http_requests_total', { route: 'unknown' })).toBe(2);
    expect(find(values, 'keruta_http_request_duration_seconds_count', { route: ofTask.route })).toBe(3);
  });

  test('counts deliveries of webhooks by what became of them', async () => {
    await applyHook(server as never, { filter: '$.n == 1' });
    await send(server.url, { id: 'd-1' });
    await send(server.url, { id: 'd-1' });
    await send(server.url, { id: 'd-2', body: '{"n":2}' });
    await send(server.url, { id: 'd-3', secret: 'not the secret of this webhook at all' });
    await send(server.url, { id: 'd-4', headers: { 'x-github-event': 'ping' } });
    await send(server.url, { id: 'd-5', body: '{"n":' });
    const values = await server.values();
    const deliveries = values.filter(({ name }) => name === 'keruta_webhook_deliveries_total');
    const counts = Object.fromEntries(
      deliveries.flatMap(({ labels, value }) => (value > 0 ? [[labels.result, value]] : [])),
    );
    expect(counts).toEqual({ accepted: 1, duplicate: 1, skipped: 1, unsigned: 1, greeting: 1, bad: 1 });
    expect(find(values, 'keruta_occurrences_skipped_total', { reason: 'filtered' })).toBe(1);
  });

  test('tells what runs cost, whose breaker is open, and that it closed again', async () => {
    const policy = { breaker: { consecutiveFailures: 1, coolOff: '1ms' } };
    const { body: made } = await server.call('POST', 'workflows', { name: 'w', run: 'true', policy });
    expect(made).toMatchObject({ workflow: { name: 'w' } });
    const run = async (status: string) => {
      const { body } = await server.call('POST', 'workflows/w/fire', {});
      const cost = { amount: '0.25', tokensIn: 7, tokensOut: 5, model: 'm', key: 'once' };
      for (let n = 0; n < 2; n++) await server.call('POST', `tasks/${body.taskId}/costs`, cost);
      await server.call('PUT', `tasks/${body.taskId}/status`, { status });
    };
    const open = () =>
      server.values().then((all) => find(all, 'keruta_circuit_breaker_open', { workflow: 'w' }));
    await run('FAILED');
    await expect.poll(open).toBe(1);
    const { body: health } = await server.call('GET', '/health');
    expect(health).toMatchObject({ engine: 'ok', store: 'ok', openBreakers: ['w'], health: 'healthy' });
    await run('COMPLETED');
    await expect.poll(open).toBe(0);
    const values = await server.values();
    const trigger = { trigger: 'w/manual' };
    expect(find(values, 'keruta_cost_usd_total', trigger)).toBe(0.5);
    expect(find(values, 'keruta_llm_calls_total', { model: 'm' })).toBe(2);
    expect(find(values, 'keruta_llm_tokens_total', { model: 'm', direction: 'in' })).toBe(14);
    expect(find(values, 'keruta_execution_cost_usd_count', trigger)).toBe(2);
    expect(find(values, 'keruta_execution_cost_usd_sum', trigger)).toBe(0.5);
  });

  test('X2: tells how far the clock is from that of the store', async () => {
    const skewOf = async (observed: typeof server) => {
      // it is looked at with the health
      await observed.call('GET', '/health');
      return find(await observed.values(), 'keruta_clock_skew_seconds');
    };
    const ahead = await startObserved(silentLog, 300_000);
    expect(Math.abs(Number(await skewOf(server)))).toBeLessThan(30);
    expect(Math.abs(Number(await skewOf(ahead)) - 300)).toBeLessThan(30);
    await ahead.close();
  });

  test('leaves out what the store cannot say, and says that it is away', async () => {
    await server.scrape();
    await server.store.close();
    // what was seen just now is told for a moment
    await expect.poll(async () => find(await server.values(), 'keruta_store_up')).toBe(0);
    const values = await server.values();
    expect(find(values, 'keruta_queue_depth')).toBeUndefined();
    expect(find(values, 'keruta_uptime_seconds')).toBeGreaterThan(0);
  });
});

describe('labels', () => {
  test('of 10,000 triggers are 200 names and "other", and no execution is lost in it', async () => {
    const metrics = new ServerMetrics();
    for (let number = 0; number < 10_000; number++) {
      const origin = { name: `w${number}/cron`, type: 'cron', workflow: `w${number}`, workflowId: 'x' };
      const task = sampleTask({ sessionId: 's', status: 'FAILED', startedAt: 1, finishedAt: 2 });
      metrics.tell({ kind: 'ended', origin, task, occurrence: null, costMicro: 1 });
      metrics.tell({ kind: 'occurred', origin, occurrence: sampleOccurrence({ decidedAt: 2 }) });
    }
    const values = valuesOf((await metrics.metrics.text()).body);
    const executions = values.filter(({ name }) => name === 'keruta_executions_total');
    expect(new Set(executions.map(({ labels }) => labels.trigger)).size).toBe(maxTriggerLabels + 1);
    const others = { trigger: 'other', status: 'failed' };
    expect(find(executions, 'keruta_executions_total', others)).toBe(9_800);
    expect(values.length).toBeLessThan(10_000);
  });

  test('of 10,000 models and 10,000 workflows whose breakers open are few, and no call or dollar is lost in it', async () => {
    const metrics = new ServerMetrics();
    const cost = { taskId: 't', attempt: 1, key: 'k', micro: 500_000, tokensIn: 2, tokensOut: 3, at: 1 };
    const breakers = makeBreakerSamples();
    let open: ReturnType<typeof breakers> = [];
    for (let number = 0; number < 10_000; number++) {
      const origin = { name: `w${number}/cron`, type: 'cron', workflow: `w${number}`, workflowId: 'x' };
      metrics.tell({ kind: 'spent', origin, cost: { ...cost, model: `m${number}` } });
      open = breakers([`w${number}`]);
    }
    const values = valuesOf((await metrics.metrics.text()).body);
    const sum = (name: string, label = '') =>
      values
        .filter((one) => one.name === name && (label === '' || one.labels.direction === label))
        .reduce((all, { value }) => all + value, 0);
    expect(sum('keruta_cost_usd_total')).toBe(5_000);
    expect(sum('keruta_llm_calls_total')).toBe(10_000);
    expect(sum('keruta_llm_tokens_total', 'out')).toBe(30_000);
    expect(values.length).toBeLessThan(500);
    expect(open).toHaveLength(201);
    expect(open.filter(({ value }) => value === 1)).toEqual([{ labels: { workflow: 'other' }, value: 1 }]);
  });

  test('of reasons and decisions are bounded too, whatever a store holds', async () => {
    const metrics = new ServerMetrics();
    const origin = { name: 'w/cron', type: 'cron', workflow: 'w', workflowId: 'x' };
    const task = sampleTask({ sessionId: 's', status: 'COMPLETED' });
    for (let number = 0; number < 1_000; number++) {
      const skipped = { decision: 'skipped', reason: `r${number}` as never } as const;
      metrics.tell({ kind: 'occurred', origin, occurrence: sampleOccurrence(skipped) });
      const occurrence = sampleOccurrence({ details: { mode: `m${number}` } });
      metrics.tell({ kind: 'ended', origin, task, occurrence, costMicro: null });
    }
    const lines = (await metrics.metrics.text()).body
      .split('\n')
      .filter((line) => line.startsWith('keruta_'));
    expect(lines.length).toBeLessThan(200);
  });
});
