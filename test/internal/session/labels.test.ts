import { expect, test } from 'vitest';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import { claim } from '../../../internal/session/claim.ts';
import { caller, makeWorld, never, sessionId } from './claims-world.ts';

async function world() {
  const all = await makeWorld();
  const needs = (requiredSkill: string) => ({
    ...{ name: requiredSkill, kind: 'agent' as const, script: '' },
    context: readRunnerTask({
      value: { title: 'A task', required_skill: requiredSkill },
      file: 'context.yaml',
      hasRepository: true,
    }).context,
  });
  const backend = await all.addTask({ ...needs('backend'), priority: 5 });
  const any = await all.addTask({ name: 'any' });
  let count = 0;
  const ask = async (labels: string[] | undefined, more: { waitMs?: number; agentId?: string } = {}) => {
    const agent = { hostname: 'h', version: '1', ...(labels && { labels }) };
    const request = {
      agentId: more.agentId ?? 'one',
      claimId: `c${++count}`,
      waitMs: more.waitMs ?? 0,
      agent,
    };
    const found = await claim(all.parts, { caller, sessionId, request, signal: never });
    return found.claim?.task.name ?? null;
  };
  return { ...all, backend, any, ask };
}

test('a task that needs a skill is for agents that have it as a label, and for those without labels', async () => {
  expect(await (await world()).ask(['gpu', 'backend'])).toBe('backend');
  expect(await (await world()).ask(undefined)).toBe('backend');
  expect(await (await world()).ask([])).toBe('backend');
});

test('an agent with other labels passes it by, and it waits for one that may take it', async () => {
  const { ask, show, backend, store } = await world();
  expect(await ask(['frontend'])).toBe('any');
  expect(await show(backend.id)).toMatchObject({ status: 'PENDING', attempt: 0 });
  expect((await store.agents()).map(({ id, labels }) => ({ id, labels }))).toEqual([
    { id: 'one', labels: ['frontend'] },
  ]);
});
