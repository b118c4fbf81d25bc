import { expect, test } from 'vitest';
import { AgentStatus } from '../../../internal/worker/agent-status.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';

const hour = 3_600_000;

test('an idle agent is alive as long as its loop turns', () => {
  const clock = new TestClock();
  const status = new AgentStatus(clock);
  expect(status.isAlive()).toBe(true);
  clock.advance(hour);
  expect(status.isAlive()).toBe(false);
  status.turn();
  expect(status.isAlive()).toBe(true);
});

test('an agent with a task in hand is alive, however long that takes', () => {
  const clock = new TestClock();
  const status = new AgentStatus(clock);
  status.task = { id: 't', name: 'long', attempt: 1 };
  clock.advance(100 * hour);
  expect(status.isAlive()).toBe(true);
});
