import { Metrics } from '../../pkg/metrics/metrics.ts';
import { agentMetricTable as table } from '../domain/metric-table.ts';
import { endStatuses } from '../domain/task-status.ts';
import { runnerPhases } from '../runner/runner.ts';
import type { Health } from './agent-health.ts';
import type { AgentStatus } from './agent-status.ts';
import type { BacklogLook } from './backlog.ts';
import { phaseOutcomes } from './runner-figures.ts';

/** What is measured at the moment of asking. */
export interface AgentFigures {
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly health: Health;
  /** null = no script runs */
  readonly backlog: BacklogLook | null;
}

/** What the agent's `/metrics` shows. */
export function agentMetrics(status: AgentStatus, figures: AgentFigures): Metrics {
  const { uptimeMs, rssBytes, health, backlog } = figures;
  const { disk, eventLoop } = health;
  return new Metrics()
    .read(table.tasks, () =>
      endStatuses.map((name) => ({ labels: { status: name }, value: status.ended[name] })),
    )
    .read(table.runSeconds, () => status.runMs / 1000)
    .read(table.phases, () =>
      runnerPhases.flatMap((phase) =>
        phaseOutcomes.map((outcome) => ({
          labels: { phase, outcome },
          value: status.runner.ends.get(`${phase} ${outcome}`) ?? 0,
        })),
      ),
    )
    .read(table.phaseSeconds, () =>
      runnerPhases.map((phase) => ({
        labels: { phase },
        value: (status.runner.phaseMs.get(phase) ?? 0) / 1000,
      })),
    )
    .read(table.testRounds, () => status.runner.testRounds)
    .read(table.busy, () => Number(status.task !== null))
    .read(table.apiUp, () => Number(health.api === 'ok'))
    .read(table.healthy, () => Number(health.status === 'healthy'))
    .read(table.spool, () => backlog?.bytes ?? 0)
    .read(table.deliveryLag, () => (backlog?.lagMs ?? 0) / 1000)
    .read(table.diskFree, () => disk.freeBytes)
    .read(table.eventLoopDelay, () => eventLoop.maxDelayMs / 1000)
    .read(table.spansDropped, () => status.droppedSpans?.() ?? null)
    .read(table.uptime, () => uptimeMs / 1000)
    .read(table.memory, () => rssBytes);
}
