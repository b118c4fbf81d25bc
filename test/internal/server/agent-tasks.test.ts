import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runnerScript } from '../../../internal/domain/runner-script.ts';
import { makeTask } from './claims-client.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const context = { title: 'Mend the sum', description: 'It subtracts.', acceptanceCriteria: ['2 + 2 is 4'] };
const agentTask = { kind: 'agent', script: undefined, name: undefined, context };

describe('a task of kind agent', () => {
  test('is named by its title, runs the runner, and gives its context back whole', async () => {
    const { task } = await makeTask(server, agentTask);
    expect(task).toMatchObject({
      kind: 'agent',
      name: 'Mend the sum',
      script: runnerScript,
      status: 'PENDING',
    });
    expect(task.context).toEqual({
      ...{ ...context, taskId: null, specName: null, requiredSkill: null, focus: [], branchName: null },
      ...{ targetBranch: null, playbook: null, slotId: null, slotPath: null, publish: 'branch' },
    });
    expect((await server.call('GET', `tasks/${task.id}`)).body).toEqual(task);
  });

  test('is claimed with its story and what it builds on; a script is not', async () => {
    const { session, add } = await makeTask(server, { name: 'plan', description: 'the plan' });
    const claim = { agentId: 'a', claimId: 'c1', waitMs: 0 };
    const first = (await server.call('POST', `sessions/${session.id}/claim`, claim)).body.claim;
    expect(first.story).toBeUndefined();
    const at = '2026-01-01T00:00:00.000Z';
    const stream = { size: 0, crc32: 0, lostBytes: 0 };
    await server.call('POST', `tasks/${first.task.id}/attempts/1/finish`, {
      ...{ exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at, controlSeq: 0 },
      ...{ streams: { stdout: stream, stderr: stream }, artifacts: [], usage: null },
    });
    await add({ ...agentTask, parentTaskId: first.task.id, needs: [first.task.id] });
    const again = await server.call('POST', `sessions/${session.id}/claim`, { ...claim, claimId: 'c2' });
    expect(again.body.claim).toMatchObject({
      story: [{ id: first.task.id, title: 'plan', description: 'the plan' }],
      dependencies: ['plan'],
      task: { kind: 'agent', context: { title: 'Mend the sum' } },
    });
  });

  test.each([
    ['without a context', { ...agentTask, context: undefined, name: 'x' }, /needs a context/],
    ['with a script', { ...agentTask, script: 'true' }, /has no script/],
    ['of kind script with a context', { context, script: 'true', name: 'x' }, /has no context/],
    [
      'with a branch that git refuses',
      { ...agentTask, context: { ...context, branchName: 'a..b' } },
      /branchName/,
    ],
    ['with a playbook elsewhere', { ...agentTask, context: { ...context, playbook: '../p.yaml' } }, /below/],
    ['without a title', { ...agentTask, context: {}, name: 'x' }, /title/],
    ['with an unknown key', { ...agentTask, context: { ...context, titel: 'x' } }, /titel/],
    ['of an unknown kind', { kind: 'robot', name: 'x' }, /kind/],
  ])('%s is refused, and it is said why', async (_what, wish, told) => {
    const { session } = await makeTask(server);
    const answer = await server.call('POST', 'tasks', { sessionId: session.id, ...wish });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toMatch(told);
  });
});
