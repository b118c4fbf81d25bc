import { describe, expect, onTestFinished, test } from 'vitest';
import { startReports } from '../../../internal/session/report-loop.ts';
import { sendReport } from '../../../internal/session/send-report.ts';
import { openGithubWith } from '../server/github-world.ts';
import { issueComment, pullRequest, push, sha } from '../trigger/github/payloads.ts';

const both = { report: ['status', 'comment'] };
const never = new AbortController().signal;

/** A server that takes deliveries, whose reports are told when a test says so, at a time that the test moves. */
async function open(trigger: object = both, workflow: object = {}) {
  const world = await openGithubWith({ workflow }, trigger);
  const { server, app } = world;
  let shiftMs = 0;
  const store = new Proxy(server.parts.store, {
    get: (target, name) => {
      if (name === 'now') return async () => (await target.now()) + shiftMs;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const parts = { ...server.parts, store };
  const pass = (ms: number) => {
    shiftMs += ms;
  };
  const tell = async () => {
    const due = await store.dueReports(await store.now(), 50);
    return Promise.all(due.map((taskId) => sendReport(parts, app, { taskId, signal: never })));
  };
  const fire = async (payload: object, event = 'push') => {
    const { body } = await world.send(payload, { 'x-github-event': event });
    return String(body.triggers[0]?.taskId);
  };
  const end = async (taskId: string, status: string, message = '') => {
    const answer = await server.call('PUT', `tasks/${taskId}/status`, { status, message });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  };
  return { ...world, parts, store, tell, pass, fire, end };
}

describe('a report', () => {
  test('is a status of the commit from the start on, its end, and a comment at the pull request', async () => {
    const { fake, fire, tell, end } = await open();
    const taskId = await fire(pullRequest(), 'pull_request');
    await tell();
    const at = `/repos/acme/site/statuses/${sha('c')}`;
    expect(fake.statuses).toMatchObject([{ at, state: 'pending', context: 'keruta/w0' }]);
    expect(fake.comments).toEqual([]);
    await end(taskId, 'PROCESSING');
    await end(taskId, 'COMPLETED', 'three files');
    await tell();
    expect(fake.statuses[1]).toMatchObject({ at, state: 'success', context: 'keruta/w0' });
    expect(fake.comments).toMatchObject([{ at: '/repos/acme/site/issues/7/comments' }]);
    expect(fake.comments[0]?.body).toContain('Workflow `w0`: **succeeded');
    expect(fake.comments[0]?.body).toContain('three files');
    expect(await tell()).toEqual([]);
  });

  test('is a comment alone where there is no commit, and a status alone where there is nothing to write to', async () => {
    const { fake, fire, tell, end } = await open({ ...both, events: ['push', 'issue_comment'] });
    for (const [payload, event] of [
      [issueComment(), 'issue_comment'],
      [push(), 'push'],
    ] as const) {
      const taskId = await fire(payload, event);
      await end(taskId, 'PROCESSING');
      await end(taskId, 'FAILED', 'no');
      await tell();
    }
    expect(fake.statuses).toMatchObject([{ state: 'failure', at: `/repos/acme/site/statuses/${sha('b')}` }]);
    expect(fake.comments).toMatchObject([{ at: '/repos/acme/site/issues/9/comments' }]);
  });

  test('ends when its task is deleted before it ran', async () => {
    const { fake, fire, tell, server } = await open({ report: ['status'] });
    const taskId = await fire(push());
    expect((await server.call('DELETE', `tasks/${taskId}`)).status).toBe(204);
    await tell();
    expect(fake.statuses).toMatchObject([{ state: 'error' }]);
  });

  test('says that a task was cancelled', async () => {
    const { fake, fire, tell, server } = await open({ report: ['status'] });
    const taskId = await fire(push());
    await server.call('POST', `tasks/${taskId}/cancel`);
    await tell();
    expect(fake.statuses).toMatchObject([
      { state: 'error', description: expect.stringMatching(/^Cancelled/) },
    ]);
  });

  test('is not made when the trigger does not say so, and not of what did not run', async () => {
    const { store, fire, tell } = await open({ branches: 'other', ...both });
    await fire(push());
    expect([await tell(), await store.nextReportAt()]).toEqual([[], null]);
    const silent = await open({});
    await silent.fire(push());
    expect(await silent.store.nextReportAt()).toBeNull();
  });

  test('is of the task that GitHub fired, not of the one that follows its end', async () => {
    const { fake, fire, tell, end, store } = await open({ report: ['status'] }, { onError: 'true' });
    const taskId = await fire(push());
    await end(taskId, 'PROCESSING');
    await end(taskId, 'FAILED');
    const hook = (await store.tasks({}, 'queue')).find(({ id }) => id !== taskId);
    await end(hook?.id ?? '', 'PROCESSING');
    await end(hook?.id ?? '', 'COMPLETED');
    await tell();
    expect(fake.statuses).toMatchObject([{ state: 'failure' }]);
    expect(await tell()).toEqual([]);
  });

  test('is tried again later and later, and told once GitHub is there again', async () => {
    const { fake, fire, tell, pass, store } = await open({ report: ['status'] });
    const taskId = await fire(push());
    fake.fault = 502;
    for (const leastMs of [2_500, 5_000, 10_000, 20_000]) {
      const before = await store.now();
      expect(await tell()).toMatchObject([{ isTold: false, holdMs: 0 }]);
      const report = await store.report(taskId);
      const dueAt = report?.dueAt ?? 0;
      expect(dueAt - before).toBeGreaterThanOrEqual(leastMs);
      expect(dueAt - (await store.now())).toBeLessThanOrEqual(2 * leastMs);
      expect(report?.error).toContain('answered 502');
      expect(await store.dueReports(dueAt - 1, 50)).toEqual([]);
      pass(2 * leastMs);
    }
    fake.fault = 0;
    await tell();
    expect(fake.statuses).toHaveLength(1);
    expect(await store.report(taskId)).toMatchObject({ dueAt: null, error: null });
  });

  test.each([
    ['Retry-After', { status: 429, headers: { 'retry-after': '600' } }, 600_000],
    ['a limit in words', { status: 403, message: 'You have exceeded a secondary rate limit' }, 60_000],
  ])('waits as long as GitHub says, with everything else: %s', async (_title, fault, holdMs) => {
    const { fake, fire, tell, store } = await open({ report: ['status'] });
    const taskId = await fire(push());
    fake.faults.push({ ...fault, at: '/statuses/' });
    const [sent] = await tell();
    expect(sent?.holdMs).toBeGreaterThanOrEqual(holdMs);
    const dueAt = (await store.report(taskId))?.dueAt ?? 0;
    expect(dueAt - (await store.now())).toBeGreaterThan(holdMs - 20_000);
  });

  test.each([403, 404, 422])('is given up when GitHub does not want it: %i', async (status) => {
    const { fake, fire, tell, store } = await open({ report: ['status'] });
    const taskId = await fire(push());
    fake.faults.push({ status, message: 'Resource not accessible by integration', at: '/statuses/' });
    await tell();
    expect(await store.report(taskId)).toMatchObject({
      dueAt: null,
      error: expect.stringContaining('not accessible by integration'),
    });
  });

  test('is a comment all the same when the App may not set a status', async () => {
    const { fake, fire, tell, end, store } = await open();
    const taskId = await fire(pullRequest(), 'pull_request');
    await end(taskId, 'PROCESSING');
    await end(taskId, 'COMPLETED');
    fake.faults.push({ status: 403, message: 'Resource not accessible by integration', at: '/statuses/' });
    await tell();
    expect([fake.statuses.length, fake.comments.length]).toEqual([0, 1]);
    expect(await store.report(taskId)).toMatchObject({ dueAt: null, error: expect.stringContaining('403') });
  });

  test('is given up after a day', async () => {
    const { fake, fire, tell, pass, store } = await open({ report: ['status'] });
    const taskId = await fire(push());
    fake.fault = 500;
    pass(24 * 3_600_000);
    await tell();
    expect(await store.report(taskId)).toMatchObject({ dueAt: null });
  });

  test('writes a comment once, also when the answer to it got lost', async () => {
    const { fake, fire, tell, end, pass } = await open({ report: ['comment'] });
    const taskId = await fire(pullRequest(), 'pull_request');
    await end(taskId, 'PROCESSING');
    await end(taskId, 'COMPLETED');
    fake.faults.push({ status: 504, at: '/comments', isDone: true });
    expect(await tell()).toMatchObject([{ isTold: false }]);
    pass(60_000);
    expect(await tell()).toMatchObject([{ isTold: true }]);
    expect(fake.comments).toHaveLength(1);
  });

  test('writes a comment once, also when the server that wrote it died before it could note that', async () => {
    const { fake, fire, tell, end, pass, parts, app, store } = await open({ report: ['comment'] });
    const taskId = await fire(pullRequest(), 'pull_request');
    await end(taskId, 'PROCESSING');
    await end(taskId, 'COMPLETED');
    const dying = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'transact') return typeof value === 'function' ? value.bind(target) : value;
        let calls = 0;
        return (work: Parameters<typeof store.transact>[0]) => {
          calls += 1;
          return fake.comments.length > 0 || calls > 1
            ? Promise.reject(new Error('killed'))
            : target.transact(work);
        };
      },
    });
    const dead = { ...parts, store: dying };
    await expect(sendReport(dead, app, { taskId, signal: never })).rejects.toThrow('killed');
    expect([fake.comments.length, await tell()]).toEqual([1, []]);
    pass(46_000);
    expect(await tell()).toMatchObject([{ isTold: true }]);
    expect(fake.comments).toHaveLength(1);
  });

  test('of an older task does not overtake that of a newer one at the same commit', async () => {
    const { fake, fire, tell, end } = await open(both);
    const older = await fire(pullRequest(), 'pull_request');
    const first = Date.now();
    await expect.poll(() => Date.now()).toBeGreaterThan(first);
    const newer = await fire(pullRequest('reopened'), 'pull_request');
    for (const taskId of [newer, older]) {
      await end(taskId, 'PROCESSING');
      await end(taskId, taskId === newer ? 'COMPLETED' : 'FAILED');
      await tell();
    }
    expect(fake.statuses.map(({ state }) => state)).toEqual(['success']);
    expect(fake.comments).toHaveLength(2);
  });

  test('finds the repository under its new name', async () => {
    const { fake, fire, tell } = await open({ report: ['status'] });
    await fire(push());
    fake.renamed.set('acme/site', 186853002);
    await tell();
    expect(fake.statuses).toMatchObject([{ at: `/repositories/186853002/statuses/${sha('b')}` }]);
  });
});

describe('the loop of reports', () => {
  test('tells them as they come, and what was left before it began', async () => {
    const { fake, fire, end, parts, app } = await open({ report: ['status'] });
    const first = await fire(push());
    const stop = new AbortController();
    const reporting = startReports(parts, app, stop.signal);
    onTestFinished(() => stop.abort());
    await expect
      .poll(() => fake.statuses.map(({ state }) => state), { timeout: 20_000 })
      .toEqual(['pending']);
    await end(first, 'PROCESSING');
    await end(first, 'COMPLETED');
    await expect
      .poll(() => fake.statuses.map(({ state }) => state), { timeout: 20_000 })
      .toEqual(['pending', 'success']);
    expect(reporting.doubts()).toEqual([]);
    stop.abort();
    await reporting.ended;
  });

  test('says that something is wrong when GitHub refuses one report after another', async () => {
    const { fake, fire, parts, app } = await open({ report: ['status'] });
    fake.fault = 403;
    for (const digit of ['d', 'e', 'f']) await fire(push({ after: sha(digit) }));
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const reporting = startReports(parts, app, stop.signal);
    await expect
      .poll(() => reporting.doubts(), { timeout: 20_000 })
      .toEqual(['github: reports are not taken; the log of the server says why']);
    stop.abort();
    await reporting.ended;
  });
});
