/** Why a task waits that nobody takes. */
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { AgentWire, TaskWire } from '../../../internal/api/shapes.ts';
import { KerutaError } from '../../../internal/domain/errors.ts';

/** Says which agent a waiting task needs, when none that lives may take it; nothing where agents cannot be asked for. */
export async function waitFields(
  client: ApiClient,
  task: TaskWire,
  signal: AbortSignal,
): Promise<readonly (readonly [string, string])[]> {
  const skill = task.context?.requiredSkill ?? null;
  if (task.status !== 'PENDING' || task.unmetNeeds > 0 || skill === null) return [];
  try {
    const agents = await client.agents.list({ signal });
    const text = waitText(
      skill,
      agents.filter(({ sessionId, alive }) => alive && sessionId === task.sessionId),
    );
    return text === null ? [] : [['waits', text]];
  } catch (error) {
    // a token of the session alone may not ask for agents
    if (error instanceof KerutaError) return [];
    throw error;
  }
}

/** @param agents  of the session, alive. @returns null: one of them may take it */
export function waitText(skill: string, agents: readonly Pick<AgentWire, 'labels'>[]): string | null {
  if (agents.some(({ labels }) => labels.length === 0 || labels.includes(skill))) return null;
  const there = [...new Set(agents.flatMap(({ labels }) => labels))].sort();
  const found =
    agents.length === 0
      ? 'no agent of the session is there'
      : `those that are there have ${there.join(', ')}`;
  return `for an agent with the label ${skill}: ${found}; start one with --label ${skill}`;
}
