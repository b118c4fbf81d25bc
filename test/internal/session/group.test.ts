import { describe, expect, test } from 'vitest';
import { cancelTask } from '../../../internal/session/cancel.ts';
import { claim } from '../../../internal/session/claim.ts';
import { createSession } from '../../../internal/session/create-session.ts';
import { finish } from '../../../internal/session/finish.ts';
import { sweep } from '../../../internal/session/sweep.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { caller, makeWorld, never, report } from './claims-world.ts';

/** Sessions with an agent each, whose tasks share a group. */
async function withSessions(count: number) {
  const world = await makeWorld();
  const { parts } = world;
  const sessions: string[] = [];
  for (let n = 0; n < count; n++) sessions.push((await createSession(parts, caller, { name: `s${n}` })).id);
  const of = (n: number) => sessions[n] ?? '';
  const add = (n: number, limit: number, more: object = {}) =>
    world.addTask({ sessionId: of(n), concurrency: { group: 'g', limit }, ...more });
  const take = async (n: number, waitMs = 0) => {
    const agent = { hostname: 'h', version: '1' };
    const request = { agentId: `agent-${n}`, claimId: systemRandom.uuid4(), waitMs, agent };
    return (await claim(parts, { caller, sessionId: of(n), request, signal: never })).claim;
  };
  const end = (taskId: string, number = 1) => finish(parts, { caller, taskId, number, report: report({}) });
  return { ...world, add, take, end, of };
}

describe('tasks of a group', () => {
  test('are claimed while fewer than its limit run, in whatever session', async () => {
    const { add, take, end } = await withSessions(3);
    for (const n of [0, 1, 2]) await add(n, 2);
    const [first, second] = [await take(0), await take(1)];
    expect([first, second]).not.toContain(null);
    expect(await take(2)).toBeNull();
    await end(first?.task.id ?? '');
    expect(await take(2)).not.toBeNull();
  });

  test('let others of their session pass while the group is full', async () => {
    const { add, take, addTask, of } = await withSessions(2);
    await add(0, 1);
    await take(0);
    await add(1, 1, { priority: 9 });
    const other = await addTask({ sessionId: of(1) });
    expect((await take(1))?.task.id).toBe(other.id);
  });

  test('wake an agent of another session when there is room', async () => {
    const { add, take, end } = await withSessions(2);
    await add(0, 1);
    const first = await take(0);
    const waiting = await add(1, 1);
    const claiming = take(1, 300_000);
    await end(first?.task.id ?? '');
    expect((await claiming)?.task.id).toBe(waiting.id);
  });

  test('keep room for a lost one that may still run, until it is given up', async () => {
    const { add, take, clock, parts } = await withSessions(2);
    await add(0, 1);
    const first = await take(0);
    await add(1, 1);
    clock.advance(50_000);
    expect(await sweep(parts)).toBe(1);
    expect(await take(1)).toBeNull();
    await cancelTask(parts, { caller, taskId: first?.task.id ?? '' });
    expect(await take(1)).not.toBeNull();
  });

  test('take turns between sessions: one with many leaves room to one with few', async () => {
    const { add, take, end } = await withSessions(3);
    for (const n of [0, 0, 0, 0, 1, 2]) await add(n, 1);
    const order: number[] = [];
    /** Who gets the place when all ask, the greedy one first. */
    const next = async (): Promise<string | null> => {
      for (const n of [0, 1, 2]) {
        const claimed = await take(n);
        if (claimed === null) continue;
        order.push(n);
        // the others ask while there is no room, and wait
        for (const other of [0, 1, 2].filter((one) => one !== n)) await take(other);
        return claimed.task.id;
      }
      return null;
    };
    for (let running = await next(); running !== null; running = await next()) await end(running);
    expect(order).toEqual([0, 1, 2, 0, 0, 0]);
  });

  test('wait for the turn of no session whose agent is gone or at work', async () => {
    const { add, take, end, addTask, of, clock } = await withSessions(3);
    for (const n of [0, 0, 0, 1, 2]) await add(n, 1);
    const first = await take(0);
    expect(await take(1)).toBeNull();
    clock.advance(20_001);
    await addTask({ sessionId: of(2), priority: 5 });
    expect(await take(2)).not.toBeNull();
    await end(first?.task.id ?? '');
    expect(await take(0)).not.toBeNull();
  });
});
