/** Workflows with plain values, for tests that care about little of them. */
import type { Occurrence, Trigger, TriggerDefinition, Workflow } from '../../../internal/domain/workflow.ts';
import { readWorkflow } from '../../../internal/trigger/read-workflow.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const uuid = () => systemRandom.uuid4();

export function sampleWorkflow(some: Partial<Workflow> = {}): Workflow {
  const name = some.name ?? `w-${uuid()}`;
  const { definition } = readWorkflow({ name, run: 'true' }, { zone: 'UTC' });
  const state = { version: 1, owner: 'api', enabled: true, createdAt: 1, updatedAt: 2 };
  return { id: uuid(), name, definition, ...state, ...some };
}

export function sampleTrigger(some: Partial<Trigger> & Pick<Trigger, 'workflowId'>): Trigger {
  const [name, type] = [some.name ?? 'cron', some.type ?? 'cron'];
  const definition: TriggerDefinition = {
    ...{ name, type, enabled: true, overlap: null, catchUp: null, spreadMs: 0, startAt: null, endAt: null },
    spec: { expression: '@daily' },
  };
  const state = {
    enabled: true,
    pausedAt: null,
    cursor: 0,
    nextAt: 10,
    zoneData: '2026a',
    createdAt: 1,
    updatedAt: 2,
  };
  return { id: uuid(), name, type, definition, ...state, ...some };
}

export function sampleOccurrence(some: Partial<Occurrence> = {}): Occurrence {
  return {
    ...{
      id: systemRandom.uuid7(some.decidedAt ?? 3),
      triggerId: uuid(),
      key: 'k',
      workflowId: uuid(),
      workflowVersion: 1,
    },
    ...{ source: 'cron', nominalAt: 1, effectiveAt: 2, decidedAt: 3, decision: 'run', reason: 'due' },
    ...{ taskId: null, eventId: null, actor: 'system', details: { a: 1 } },
    ...some,
  };
}
