import { Metrics } from '../../pkg/metrics/metrics.ts';
import type { Health } from './agent-health.ts';
import { type AgentStatus, endedStatuses } from './agent-status.ts';

/** What is measured at the moment of asking. */
export interface AgentFigures {
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly health: Health;
}

/** What the agent's `/metrics` shows. */
export function agentMetrics(status: AgentStatus, { uptimeMs, rssBytes, health }: AgentFigures): Metrics {
  const { disk, eventLoop } = health;
  return new Metrics()
    .addLabelled({
      name: 'keruta_agent_tasks_total',
      help: 'Tasks that came to their end.',
      label: 'status',
      read: () => endedStatuses.map((label) => ({ label, value: status.ended[label] })),
    })
    .add('keruta_agent_run_seconds_total', 'Time that all runs took together.', () => status.runMs / 1000)
    .add('keruta_agent_busy', '1 while a task is worked on.', () => Number(status.task !== null))
    .add('keruta_agent_api_up', '1 while the API answers.', () => Number(health.api === 'ok'))
    .add('keruta_agent_healthy', '1 while nothing holds the agent back.', () =>
      Number(health.status === 'healthy'),
    )
    .add('keruta_agent_disk_free_bytes', 'Space left for the base directory.', () => disk.freeBytes ?? 0)
    .add(
      'keruta_agent_event_loop_delay_seconds',
      'Longest hold-up of the last half minute.',
      () => eventLoop.maxDelayMs / 1000,
    )
    .add('keruta_agent_uptime_seconds', 'Time since the agent started.', () => uptimeMs / 1000)
    .add('process_resident_memory_bytes', 'Resident memory of the agent.', () => rssBytes);
}
