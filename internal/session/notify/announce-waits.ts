/** What waits for a person, or is held up, as people are told of it. */
import type { Attempt } from '../../domain/attempt.ts';
import type { Approval } from '../../domain/governance.ts';
import type { BreakerState } from '../../domain/policy.ts';
import type { InputRequest } from '../../domain/records.ts';
import type { Task } from '../../domain/task.ts';
import type { Workflow } from '../../domain/workflow.ts';
import type { Transaction } from '../../store/store.ts';
import type { Firing } from '../fire.ts';
import type { SessionParts } from '../parts.ts';
import { toInstant } from '../wire.ts';
import { announce } from './announce.ts';
import { workflowOf } from './announce-end.ts';

/** Tells that a run waits for somebody to say yes. */
export async function announceApproval(
  tx: Transaction,
  parts: SessionParts,
  { approval, workflow }: { readonly approval: Approval; readonly workflow: Workflow },
): Promise<void> {
  const { id, role, parameters, expiresAt, createdAt: now } = approval;
  await announce(tx, parts, {
    ...{ what: { event: 'approval_asked' }, key: `approval ${id}`, workflow, task: null, now },
    session: workflow.definition.session,
    message: Object.keys(parameters).length === 0 ? '' : `parameters ${JSON.stringify(parameters)}`,
    more: [`approval ${id}, by the role ${role}, until ${toInstant(expiresAt)}`],
    commands: [`keruta approval approve ${id}`, `keruta approval deny ${id}`],
  });
}

/** Tells that something would have run, if its policy did not say that nothing is to run. */
export async function announceShadow(
  tx: Transaction,
  parts: SessionParts,
  fired: Pick<Firing, 'trigger' | 'workflow' | 'key' | 'nominalAt' | 'now'>,
): Promise<void> {
  const { trigger, workflow, key, nominalAt, now } = fired;
  await announce(tx, parts, {
    ...{ what: { event: 'shadow_fired' }, key: `shadow ${trigger.id} ${key}`, workflow, task: null, now },
    session: workflow.definition.session,
    more: [`trigger ${trigger.name}, due at ${toInstant(nominalAt)}`],
    commands: [`keruta trigger history ${workflow.name}`],
  });
}

/** Tells that a task waits for an answer. */
export async function announceInput(
  tx: Transaction,
  parts: SessionParts,
  asked: { readonly request: InputRequest; readonly task: Task; readonly now: number },
): Promise<void> {
  const { request, task, now } = asked;
  const { id, prompt, choices } = request;
  await announce(tx, parts, {
    ...{ what: { event: 'input_waiting' }, key: `input ${id}`, task, now },
    workflow: await workflowOf(tx, task),
    message: prompt,
    more:
      choices.length === 0 ? [] : [`one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`],
    commands: [`keruta task input ${task.id}`],
  });
}

/** Tells that nothing was heard in time of the agent of a task. */
export async function announceLost(
  tx: Transaction,
  parts: SessionParts,
  lost: { readonly task: Task; readonly attempt: Attempt; readonly now: number },
): Promise<void> {
  const { task, attempt, now } = lost;
  const { agentId: agent, number } = attempt;
  await announce(tx, parts, {
    ...{ what: { event: 'agent_lost' }, key: `lost ${task.id} ${number}`, task, agent, now },
    workflow: await workflowOf(tx, task),
    commands: [`keruta task show ${task.id}`],
  });
}

/** Tells that a breaker opened, or closed. */
export async function announceBreaker(
  tx: Transaction,
  parts: SessionParts,
  change: {
    readonly workflow: Workflow;
    readonly state: BreakerState | null;
    readonly key: string;
    /** null = a person closed it */
    readonly task: Task | null;
    readonly now: number;
  },
): Promise<void> {
  const { workflow, state, task, now } = change;
  const isOpen = state?.state === 'open';
  const until = (state?.openedAt ?? now) + (state?.coolOffMs ?? 0);
  await announce(tx, parts, {
    ...{ what: { event: isOpen ? 'breaker_opened' : 'breaker_closed' }, workflow, task, now },
    key: `breaker ${workflow.id} ${change.key}`,
    message: isOpen ? `Nothing of it runs until ${toInstant(until)}; then one run is let through.` : '',
    more: state?.results ? [`newest runs, S succeeded, F failed: ${state.results}`] : [],
    commands: isOpen ? [`keruta breaker reset ${workflow.name}`] : [],
  });
}
