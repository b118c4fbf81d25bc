import { describe, expect, test } from 'vitest';
import { cancelTask } from '../../../../internal/session/cancel.ts';
import { sweep } from '../../../../internal/session/sweep.ts';
import { tick } from '../../../../internal/session/tick.ts';
import { executionLog, logEvents } from '../../../../internal/session/watch/execution-log.ts';
import { TestClock } from '../../../../pkg/clock/test-clock.ts';
import { makeStreamLog } from '../../../../pkg/log/stream-log.ts';
import { caller, never } from '../claims-world.ts';
import { makeWatchedWorld } from './watched-world.ts';

type Line = Record<string, unknown>;

async function makeLoggedWorld() {
  const lines: Line[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = makeStreamLog({ clock: new TestClock(), write, level: 'debug', format: 'json' });
  const world = await makeWatchedWorld(executionLog(log));
  const said = async (): Promise<Line[]> => {
    await world.chronicle.settled();
    return lines.splice(0);
  };
  return { ...world, said };
}

const every5 = {
  name: 'w',
  run: 'true',
  session: 'demo',
  triggers: [{ type: 'cron', expression: '*/5 * * * *' }],
};

describe('the log of executions', () => {
  test('tells the life of one that a trigger made, by ids that lead from line to line', async () => {
    const world = await makeLoggedWorld();
    const { workflow, triggers } = await world.apply(every5);
    const [registered] = await world.said();
    expect(registered).toMatchObject({
      ...{ level: 'INFO', event: 'trigger_registered', service: 'keruta', enabled: true },
      ...{ workflow: 'w', workflow_id: workflow.id, trigger: 'w/cron', trigger_type: 'cron' },
      ...{ trigger_id: triggers[0]?.id, next_at: expect.stringMatching(/Z$/) },
    });
    world.clock.advance(300_000);
    await tick(world.parts, never);
    const agent = world.agent();
    await agent.claim();
    await agent.finish();
    const [fired, started, completed] = await world.said();
    const [occurrence] = await world.store.occurrences({}, { limit: 1, offset: 0 });
    const ids = {
      ...{ service: 'keruta', execution_id: occurrence?.id, task_id: occurrence?.taskId },
      ...{ workflow: 'w', workflow_id: workflow.id, trigger: 'w/cron', trigger_type: 'cron' },
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    };
    expect(fired).toMatchObject({ ...ids, event: 'trigger_fired', reason: 'due', status: 'pending' });
    expect(fired?.delay_ms).toEqual(expect.any(Number));
    expect(started).toMatchObject({ ...ids, event: 'execution_started', attempt: 1, agent_id: 'agent-1' });
    expect(completed).toMatchObject({
      ...{ ...ids, event: 'execution_completed', status: 'success', duration_ms: 1000, exit_code: 0 },
      level: 'INFO',
    });
  });

  test('warns of failures and lost agents, and says why nothing ran', async () => {
    const world = await makeLoggedWorld();
    await world.apply(every5);
    for (const _ of 'ab') {
      world.clock.advance(300_000);
      await tick(world.parts, never);
    }
    const agent = world.agent();
    await agent.claim();
    await agent.finish({ exitCode: 3 });
    await world.addTask();
    await agent.claim();
    world.clock.advance(3_600_000);
    await sweep(world.parts);
    const { id: taskId } = await world.addTask();
    await cancelTask(world.parts, { caller, taskId });
    const lines = await world.said();
    const told = lines.map(({ event, level, reason, status }) => [event, level, reason ?? status]);
    expect(told).toEqual(
      expect.arrayContaining([
        ['governance_skip', 'INFO', 'overlap_skipped'],
        ['execution_failed', 'WARN', 'failed'],
        ['execution_lost', 'WARN', 'lost'],
        ['execution_cancelled', 'INFO', 'cancel'],
      ]),
    );
    expect(lines.find(({ event }) => event === 'execution_failed')).toMatchObject({ exit_code: 3 });
    expect(Object.keys(logEvents)).toEqual(expect.arrayContaining(lines.map(({ event }) => event)));
  });

  test('holds no script, no parameter and no message of a task', async () => {
    const world = await makeLoggedWorld();
    await world.addTask({ script: 'echo s3cret-1', parameters: { key: 's3cret-2' } });
    const agent = world.agent();
    await agent.claim();
    await agent.finish({ exitCode: 1, message: 's3cret-3' });
    const lines = await world.said();
    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });
});
