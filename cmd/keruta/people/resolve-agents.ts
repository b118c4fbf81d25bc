/** What the agents of an automation file stand for: workflows, those of functions of deployed files among them. */
import type { WorkflowDefinition } from '../../../internal/domain/workflow.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Gives each workflow that names an agent what that runs: script, session, repository, retry and hooks as they are now.
 * One that is not found is kept with a fault.
 * @param find  the definition of a workflow; null when there is none
 */
export async function resolveAgents(
  written: readonly WrittenWorkflow[],
  find: (name: string) => Promise<WorkflowDefinition | null>,
): Promise<WrittenWorkflow[]> {
  const beside = new Map(
    written
      .filter(({ agent }) => agent === undefined)
      .map(({ value }) => [(value as Fields | null)?.name, value]),
  );
  return Promise.all(
    written.map((one) => (one.agent === undefined ? one : resolved(one, one.agent, beside, find))),
  );
}

async function resolved(
  one: WrittenWorkflow,
  agent: string,
  beside: ReadonlyMap<unknown, unknown>,
  find: (name: string) => Promise<WorkflowDefinition | null>,
): Promise<WrittenWorkflow> {
  const own = one.value as Fields;
  const fault = (message: string) => {
    const told = `${one.file}:${one.lineOf(['agent'])}: ${one.fieldOf?.(['agent']) ?? 'agent'}: ${message}`;
    return { ...one, faults: [...(one.faults ?? []), told] };
  };
  if (own.name === agent)
    return fault(`expected another workflow than the one that this makes, got ${agent}`);
  const written = beside.get(agent);
  if (written !== undefined) {
    const { name: _name, triggers: _triggers, enabled: _enabled, ...rest } = written as Fields;
    return { ...one, value: { session: agent, ...rest, ...own } };
  }
  const found = await find(agent);
  if (found === null)
    return fault(
      `expected a workflow, or a function of a deployed file such as reports.morning_report; there is no ${agent}`,
    );
  return { ...one, value: { ...whatItRuns(found), ...own } };
}

/** A definition as people write it, without name and triggers. */
function whatItRuns({ name: _name, triggers: _triggers, catchUp, ...rest }: WorkflowDefinition): Fields {
  const { policy, windowMs, max } = catchUp;
  const plain = plainOf(rest) as Fields;
  return { ...plain, catchUp: policy, catchUpWindow: `${windowMs}ms`, catchUpMax: max };
}

/** Leaves out what is null, and writes ms as durations. The parameters of a task are somebody else's names. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(
    entries.map(([key, one]) => {
      if (key === 'parameters') return [key, one];
      return key.endsWith('Ms') ? [key.slice(0, -2), `${one}ms`] : [key, plainOf(one)];
    }),
  );
}
