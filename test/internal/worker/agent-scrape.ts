import { judgeHealth } from '../../../internal/worker/agent-health.ts';
import { AgentStatus } from '../../../internal/worker/agent-status.ts';
import { agentMetrics } from '../../../internal/worker/metrics.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

/** What the `/metrics` of an agent shows that ran a few tasks and sends traces. */
export async function agentScrape(): Promise<string> {
  const status = new AgentStatus(new TestClock());
  status.count('COMPLETED', 1_500);
  status.count('FAILED', 500);
  status.runner.count({
    phases: [
      { phase: 'prepare', outcome: 'done', durationMs: 1500 },
      { phase: 'test', outcome: 'failed', durationMs: 250 },
    ],
    tests: { rounds: 3 },
  });
  status.droppedSpans = () => 0;
  const health = judgeHealth({
    files: { state: 'ok', tookMs: 1 },
    eventLoop: { maxDelayMs: 3 },
    api: 'ok',
    disk: { state: 'ok', freeBytes: 5e9, floorBytes: 1e8 },
  });
  const figures = { uptimeMs: 60_000, rssBytes: 8e7, health, backlog: { bytes: 12, lagMs: 250 } };
  return (await agentMetrics(status, figures).text()).body;
}
