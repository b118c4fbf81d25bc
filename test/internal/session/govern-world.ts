/** A workflow with policies in a world whose clock the test owns. */
import type { Check } from '../../../internal/domain/policy.ts';
import type { Occurrence } from '../../../internal/domain/workflow.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { fireEvent } from '../../../internal/session/fire-event.ts';
import { tick } from '../../../internal/session/tick.ts';
import { fireNow } from '../../../internal/session/trigger-verbs.ts';
import { caller, makeWorld, never } from './claims-world.ts';

export async function governed(workflow: object, start = '2026-01-01T09:58:00Z') {
  const world = await makeWorld();
  const { parts, clock, store } = world;
  clock.jump(Date.parse(start) - clock.now());
  const apply = async (more: object = {}) =>
    applyWorkflow(parts, {
      ...{ caller, owner: 'api' },
      value: { name: 'w', session: 'demo', run: 'true', overlap: 'allow', ...workflow, ...more },
    });
  const applied = await apply();
  const triggerId = applied.triggers.find(({ type }) => type === 'manual')?.id ?? '';
  let events = 0;
  const event = (key = `e${events++}`) =>
    fireEvent(parts, { triggerId, source: 'webhook', key, kind: '', data: {} });
  const fire = (more: object = {}) => fireNow(parts, { caller, workflow: 'w', ...more });
  const rows = async (): Promise<Occurrence[]> =>
    (await store.occurrences({}, { limit: 1000, offset: 0 })).toReversed();
  return {
    ...world,
    ...{ apply, event, fire, rows, triggerId, workflow: applied.workflow },
    /** `run event`, oldest first */
    told: async () => (await rows()).map(({ decision, reason }) => `${decision} ${reason}`),
    go: async (to: string) => {
      clock.jump(Date.parse(to) - clock.now());
      await tick(parts, never);
    },
    /** Runs the next task of the session to its end. */
    end: async (isGood: boolean) => {
      const agent = world.agent();
      const claimed = await agent.claim();
      if (claimed === null) throw new Error('nothing waits');
      await agent.finish({ exitCode: isGood ? 0 : 1 });
      return claimed.task.id;
    },
  };
}

/** The checks of a row. */
export const checksOf = ({ details }: Occurrence): readonly Check[] => (details.checks ?? []) as Check[];
