import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
const clock = new TestClock();
beforeAll(async () => {
  server = await startServer({ clock });
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown) => server.call(method, path, body);
const deployment = (id: string, more = 'deploy') => `deployment/workflows/${id}/${more}`;
const yearly = { run: 'true', triggers: [{ type: 'cron', expression: '@yearly' }] };

describe('a deployment', () => {
  test('is made, told, taken out of service, put back and changed; each of it twice is once', async () => {
    const made = await call('POST', deployment('d'), yearly);
    expect([made.status, made.body.change, made.body.status]).toEqual([201, 'created', 'deployed']);
    expect((await call('POST', deployment('d'), yearly)).body.change).toBe('unchanged');
    for (const change of ['updated', 'unchanged'])
      expect((await call('DELETE', deployment('d', 'undeploy'))).body).toMatchObject({
        ...{ status: 'undeployed', change, version: 1 },
      });
    const { body: off } = await call('GET', deployment('d', 'status'));
    expect(off).toMatchObject({
      status: 'undeployed',
      state: [{ state: 'disabled' }, { state: 'disabled' }],
    });
    expect((await call('POST', deployment('d'), {})).body).toMatchObject({ status: 'deployed', version: 1 });
    for (const change of ['updated', 'unchanged']) {
      const put = await call('PUT', deployment(made.body.workflowId), { ...yearly, run: 'false' });
      expect([put.status, put.body]).toMatchObject([200, { name: 'd', version: 2, change }]);
    }
    expect((await call('GET', 'workflows/d/versions')).body).toHaveLength(2);
    expect((await call('GET', 'deployment/workflows')).body).toMatchObject([
      { name: 'd', triggers: ['cron', 'manual'] },
    ]);
  });

  test('that is not there is not changed, told or taken out of service', async () => {
    for (const [method, path, body] of [
      ['PUT', deployment('nobody'), yearly],
      ['POST', deployment('nobody'), {}],
      ['DELETE', deployment('nobody', 'undeploy')],
      ['GET', deployment('nobody', 'status')],
      ['GET', 'triggers/workflows/nobody/status'],
    ] as const)
      expect([path, (await call(method, path, body)).status]).toEqual([path, 404]);
  });

  test('names the field and the path of every fault', async () => {
    const value = { ...yearly, overlap: 'often', triggers: [{ type: 'cron', expression: '61 * * * *' }] };
    const { status, body } = await call('POST', deployment('bad'), value);
    expect([status, body.error.code]).toEqual([400, 'KERUTA_ERR_WORKFLOW']);
    expect(body.error.details.faults.map(({ path }: { path: unknown }) => path)).toEqual([
      ['overlap'],
      ['triggers', 0],
    ]);
    const named = await call('POST', deployment('one'), { ...yearly, name: 'other' });
    expect(named.body.error.message).toContain('name: expected one, as in the address');
  });

  test('of a file is the file’s, unless it is taken over', async () => {
    await call('POST', 'workflows?owner=file:w.yaml', { name: 'filed', ...yearly });
    for (const [method, body] of [
      ['POST', {}],
      ['POST', { ...yearly, run: 'false' }],
      ['PUT', { ...yearly, run: 'false' }],
    ] as const) {
      const refused = await call(method, deployment('filed'), body);
      expect([method, refused.status, refused.body.error?.code]).toEqual([
        ...[method, 409, 'KERUTA_ERR_WORKFLOW_OWNED'],
      ]);
    }
    expect((await call('GET', 'workflows/filed')).body).toMatchObject({ version: 1, owner: 'file:w.yaml' });
    expect((await call('DELETE', deployment('filed', 'undeploy'))).status).toBe(409);
    expect((await call('DELETE', `${deployment('filed', 'undeploy')}?takeOver=true`)).status).toBe(200);
  });
});

describe('triggers over HTTP', () => {
  test('are fired in two calls when they want a confirmation: 202, then 201; 409, 422, 410 for other tokens', async () => {
    const triggers = [{ type: 'manual', confirm: true }];
    await call('POST', deployment('two'), { run: 'true', overlap: 'allow', triggers });
    const path = 'triggers/workflows/two/manual';
    const ask = async () => (await call('POST', path, { parameters: { a: 1 } })).body.confirmation;
    const fire = (confirmation: string, a = 1) => call('POST', path, { parameters: { a }, confirmation });
    const asked = await call('POST', path, { parameters: { a: 1 } });
    expect([asked.status, asked.body.trigger]).toEqual([202, 'manual']);
    expect((await fire(asked.body.confirmation, 2)).status).toBe(422);
    const fired = await fire(asked.body.confirmation);
    expect([fired.status, fired.body.decision, typeof fired.body.taskId]).toEqual([201, 'run', 'string']);
    expect((await fire(asked.body.confirmation)).status).toBe(409);
    const late = await ask();
    clock.jump(600_000);
    const { status, body } = await fire(late);
    expect([status, body.error.code]).toEqual([410, 'KERUTA_ERR_CONFIRMATION_EXPIRED']);
  });

  test('are backfilled, and that is cancelled', async () => {
    await call('POST', deployment('fill'), {
      run: 'true',
      triggers: [{ type: 'cron', expression: '0 * * * *' }],
    });
    const now = new Date(clock.now()).toISOString();
    const range = { from: new Date(clock.now() - 86_400_000).toISOString(), to: now };
    const { body } = await call('POST', 'workflows/fill/backfill', range);
    expect(body).toMatchObject({ workflow: 'fill', trigger: 'cron', run: 24, ran: 0, left: 0 });
    expect((await call('POST', 'workflows/fill/backfill', range)).body).toMatchObject({ run: 0, ran: 24 });
    const cancelled = await call('POST', 'workflows/fill/backfill/cancel', { id: body.id });
    expect(cancelled.body.cancelled).toHaveLength(24);
  });

  test('that nobody decides make the server degraded, and their health says which', async () => {
    await call('POST', deployment('late'), {
      run: 'true',
      triggers: [{ type: 'cron', expression: '* * * * *' }],
    });
    expect((await call('GET', 'triggers/health')).body).toMatchObject({ health: 'healthy', overdue: [] });
    clock.jump(3 * 60_000);
    expect((await call('GET', 'triggers/health')).body).toMatchObject({
      health: 'degraded',
      overdue: ['late/cron'],
    });
    clock.advance(1_000);
    expect((await call('GET', '/health')).body).toMatchObject({
      ...{ status: 'UP', health: 'degraded', reasons: ['triggers: late/cron missed two instants or more'] },
    });
  });
});
