import { Metrics } from '../../pkg/metrics/metrics.ts';
import { type AgentStatus, endedStatuses } from './agent-status.ts';

/**
 * What the agent's `/metrics` shows.
 * @param now  read at the moment of asking
 */
export function agentMetrics(
  status: AgentStatus,
  now: { readonly monotonicMs: () => number; readonly rssBytes: () => number },
): Metrics {
  return new Metrics()
    .addLabelled({
      name: 'keruta_agent_tasks_total',
      help: 'Tasks that came to their end.',
      label: 'status',
      read: () => endedStatuses.map((label) => ({ label, value: status.ended[label] })),
    })
    .add('keruta_agent_run_seconds_total', 'Time that all runs took together.', () => status.runMs / 1000)
    .add('keruta_agent_busy', '1 while a task is worked on.', () => Number(status.task !== null))
    .add('keruta_agent_api_up', '1 while the API answers.', () => Number(status.apiFault === null))
    .add(
      'keruta_agent_uptime_seconds',
      'Time since the agent started.',
      () => (now.monotonicMs() - status.startedAt) / 1000,
    )
    .add('process_resident_memory_bytes', 'Resident memory of the agent.', now.rssBytes);
}
