import { describe, expect, test } from 'vitest';
import { sampleAgent } from '../samples.ts';
import { sampleTrigger, sampleWorkflow } from '../workflow-samples.ts';
import type { Fixture } from './fixture.ts';

/** How much there is of what changes all the time. */
export function testFigures(fixture: () => Fixture): void {
  describe('the figures of a store', () => {
    test('of an empty one are none', async () => {
      expect(await fixture().store.figures(1, 1)).toEqual({
        ...{ tasks: [], queue: { count: 0, oldestAt: null }, agents: 0 },
        ...{ triggers: { awake: 0, held: 0, disabled: 0 }, openBreakers: [] },
      });
    });

    test('name workflows whose breaker is not closed, as long as they are there', async () => {
      const { store } = fixture();
      const closed = { results: '', openedAt: null, coolOffMs: 0, probe: null, succeeded: 0 };
      const states = { b: 'open', a: 'half_open', shut: 'closed', none: null, gone: 'open' } as const;
      await store.transact(async (tx) => {
        for (const [name, state] of Object.entries(states)) {
          const workflow = sampleWorkflow({ name });
          if (name !== 'gone') await tx.putWorkflow(workflow);
          const breaker = state === null ? null : { ...closed, state };
          const of = { workflowId: workflow.id, lastStartAt: null, lastSuccessAt: null };
          await tx.putWorkflowHistory({ ...of, breaker, version: 1 });
        }
      });
      expect((await store.figures(1, 1)).openBreakers).toEqual(['a', 'b']);
    });

    test('count tasks that have not ended, and those that could be claimed, since when they could be', async () => {
      const { store, task } = fixture();
      for (const status of ['COMPLETED', 'FAILED', 'CANCELLED', 'PROCESSING', 'LOST', 'LOST'] as const)
        await task({ status, createdAt: 1 });
      await task({ status: 'PENDING', createdAt: 500, notBefore: null });
      await task({ status: 'PENDING', createdAt: 10, notBefore: 700 });
      await task({ status: 'PENDING', createdAt: 10, notBefore: 2_000 });
      const { tasks, queue } = await store.figures(1_000, 0);
      expect(tasks.toSorted((a, b) => a.status.localeCompare(b.status))).toEqual([
        { status: 'LOST', count: 2 },
        { status: 'PENDING', count: 3 },
        { status: 'PROCESSING', count: 1 },
      ]);
      expect(queue).toEqual({ count: 2, oldestAt: 500 });
    });

    test('count triggers by whether they fire, and agents that called lately', async () => {
      const { store } = fixture();
      const workflow = sampleWorkflow();
      const make = (name: string, state: { enabled?: boolean; pausedAt?: number | null }) =>
        sampleTrigger({ workflowId: workflow.id, name, ...state });
      await store.transact(async (tx) => {
        await tx.putWorkflow(workflow);
        await tx.putTrigger(make('a', {}));
        await tx.putTrigger(make('b', { pausedAt: 5 }));
        await tx.putTrigger(make('c', { enabled: false, pausedAt: 5 }));
        await tx.putTrigger(make('d', { enabled: false }));
        for (const lastSeenAt of [99, 100, 101]) await tx.putAgent(sampleAgent({ lastSeenAt }));
      });
      const { triggers, agents } = await store.figures(1_000, 100);
      expect(triggers).toEqual({ awake: 1, held: 1, disabled: 2 });
      expect(agents).toBe(2);
    });
  });
}
