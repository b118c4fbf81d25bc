import { expect, test } from 'vitest';
import { agentMetricTable } from '../../../internal/domain/metric-table.ts';
import { agentScrape } from './agent-scrape.ts';

test('an agent shows every metric of the table, and nothing else', async () => {
  const text = await agentScrape();
  const shown = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${type} ${name}`);
  const rows = Object.values(agentMetricTable).map(({ name, type }) => `${type} ${name}`);
  expect(shown.toSorted()).toEqual(rows.toSorted());
  expect(text).toContain('keruta_agent_tasks_total{status="COMPLETED"} 1');
  expect(text).toContain('keruta_agent_run_seconds_total 2\n');
  expect(text).toContain('keruta_agent_phases_total{phase="test",outcome="failed"} 1\n');
  expect(text).toContain('keruta_agent_phases_total{phase="push",outcome="done"} 0\n');
  expect(text).toContain('keruta_agent_phase_seconds_total{phase="prepare"} 1.5\n');
  expect(text).toContain('keruta_agent_test_rounds_total 3\n');
  expect(text).toContain('keruta_agent_delivery_lag_seconds 0.25');
});
