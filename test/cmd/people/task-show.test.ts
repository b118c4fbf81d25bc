import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemRandom } from '../../../pkg/random/random.ts';
import { useServer } from '../server-in-home.ts';

const place = useServer();
const keruta = (...words: string[]) => place.keruta(words);

const at = '2026-01-01T00:00:00.000Z';
const empty = { size: 0, crc32: 0 };
const whole = { controlSeq: 0, artifacts: [], streams: { stdout: empty, stderr: empty } };

/** Plays an agent: takes the next task of a session and ends it. */
async function run(session: string, exitCode: number, usage: object): Promise<void> {
  const api = place.api();
  const found = (await api.sessions.list()).find(({ name }) => name === session);
  const { claim } = await api.attempts.claim(found?.id ?? '', {
    ...{ agentId: 'agent-of-the-shop', claimId: systemRandom.uuid4() },
  });
  const name = { taskId: claim?.task.id ?? '', attempt: claim?.attempt.number ?? 0 };
  const how = { exitCode, signal: null, reason: null, startedAt: at, exitedAt: at };
  const measured = { durationMs: 2_000, cpuMs: null, peakMemoryBytes: null, ...usage };
  await api.attempts.finish(name, { ...how, ...whole, usage: measured });
}

const workflow = (name: string, more: string) =>
  writeFileSync(join(place.home, `${name}.yaml`), `name: ${name}\nrun: echo hi\n${more}`);

test('a task tells why it was made, what it cost by model, and what each attempt used', async () => {
  workflow('shop', 'retry: { maxAttempts: 2, delay: 0s }\npolicy: { maxRunsPerDay: 5 }\n');
  expect(await keruta('apply', '-f', 'shop.yaml')).toMatchObject({ status: 0 });
  const id = (await keruta('trigger', 'fire', 'shop')).out.trim();
  for (const words of ['0.10 --model large --tokens-in 500 --tokens-out 20', '0.02 --model small', '0.03'])
    expect(await keruta('cost', 'add', ...words.split(' '), '--task-id', id)).toMatchObject({ status: 0 });
  const samples = { everyMs: 500, cpuPercent: [10, 90], memoryBytes: [1_048_576, 5_242_880] };
  await run('shop', 3, { cpuMs: 1_000, peakMemoryBytes: 5_242_880, samples });
  await run('shop', 0, { readBytes: 2048, writtenBytes: 0 });
  const { out } = await keruta('task', 'show', id);
  expect(out).toMatch(/workflow +shop, version 1\nfired by +manual for \S+ \(asked\)\n/);
  expect(out).toMatch(/check overlap +passed \(limit skip\)\ncheck runs_per_day +passed 0 of 5\n/);
  expect(out).toMatch(/cost +\$0\.15 in 3 calls, 500 tokens in, 20 out\n/);
  expect(out).toMatch(
    /cost large +\$0\.10 in 1 call, 500 tokens in, 20 out\ncost small +\$0\.02 in 1 call\n/,
  );
  expect(out).toMatch(/attempt 1 +finished, exit code 3, in \S+, on agent agent-of-the-shop\n/);
  expect(out).toMatch(/ {2}cpu time +1s \(50 %\)\n {2}peak memory +5\.0 MB\n/);
  expect(out).toMatch(/ {2}cpu over time +▂█ at most 90 %\n/);
  expect(out).toMatch(/attempt 2 +finished, exit code 0[\s\S]* {2}read, written +2\.0 KB, 0 B\n/);
  const told = JSON.parse((await keruta('task', 'show', id, '--json')).out);
  expect(told).toMatchObject({
    status: 'COMPLETED',
    occurrence: {
      workflow: 'shop',
      trigger: 'manual',
      reason: 'asked',
      details: { checks: [{ name: 'overlap' }, { name: 'runs_per_day' }] },
    },
    costs: { amount: '0.15', entries: 3, models: [{ model: 'large' }, { model: '' }, { model: 'small' }] },
    attempts: [
      { number: 1, exitCode: 3, usage: { cpuMs: 1000, samples } },
      { number: 2, exitCode: 0, usage: { readBytes: 2048 } },
    ],
  });
}, 60_000);

test('a task that no trigger made, and that said nothing of money, tells neither', async () => {
  await keruta('session', 'create', 'plain');
  const id = (await keruta('task', 'add', '-c', 'true', '--session', 'plain')).out.trim();
  const { out } = await keruta('task', 'show', id);
  expect(out).not.toMatch(/^(fired by|cost|check)/m);
  await run('plain', 0, { cpuMs: 500 });
  expect((await keruta('task', 'show', id)).out).toMatch(/^cpu time +500ms \(25 %\)$/m);
  expect(JSON.parse((await keruta('task', 'show', id, '--json')).out)).toMatchObject({
    ...{ occurrence: null, costs: { entries: 0 }, attempts: [{ number: 1 }] },
  });
}, 60_000);

test('a task that needs a skill tells that no agent may take it, and agents are listed with their labels', async () => {
  expect(
    await keruta('session', 'create', 'skilled', '--repository', 'https://git.example/a.git'),
  ).toMatchObject({ status: 0 });
  const wish = { title: 'Mend it', required_skill: 'backend' };
  writeFileSync(join(place.home, 'skilled.json'), JSON.stringify(wish));
  const id = (
    await keruta('task', 'add', '--kind', 'agent', '-f', 'skilled.json', '--session', 'skilled')
  ).out.trim();
  const shown = async () => (await keruta('task', 'show', id)).out;
  expect(await shown()).toMatch(
    /waits +for an agent with the label backend: no agent of the session is there;/,
  );
  const api = place.api();
  const session = (await api.sessions.list()).find(({ name }) => name === 'skilled')?.id ?? '';
  const ask = async (agentId: string, labels?: string[]) => {
    const agent = { hostname: 'h', version: '1', ...(labels && { labels }) };
    return (await api.attempts.claim(session, { agentId, claimId: systemRandom.uuid4(), agent })).claim?.task
      .id;
  };
  expect(await ask('agent-of-screens', ['frontend', 'design'])).toBeUndefined();
  expect(await shown()).toMatch(/waits +for .*: those that are there have design, frontend;/);
  expect((await keruta('agent', 'list')).out).toMatch(/agent-of\S* +h +yes +frontend, design/);
  expect(await ask('agent-of-all')).toBe(id);
  expect(await shown()).not.toContain('waits');
});

test('the status of a workflow tells what is left of its limits, and how its breaker stands', async () => {
  const policy = '{ maxRunsPerDay: 5, maxCostPerDay: "1.00", costEstimate: "0.25", breaker: {} }';
  workflow('left', `overlap: allow\npolicy: ${policy}\n`);
  expect(await keruta('apply', '-f', 'left.yaml')).toMatchObject({ status: 0 });
  writeFileSync(join(place.home, 'all.yaml'), 'maxConcurrent: 7\n');
  expect(await keruta('policy', 'set', '--file', 'all.yaml')).toMatchObject({ status: 0 });
  expect(await keruta('trigger', 'fire', 'left')).toMatchObject({ status: 0 });
  const { out } = await keruta('workflow', 'status', 'left');
  expect(out).toMatch(/^breaker +closed$/m);
  expect(out).toMatch(/^runs today +4 left of 5$/m);
  expect(out).toMatch(/^money today +\$0\.75 left of \$1\.00, \$0\.25 spent or reserved$/m);
  expect(out).toMatch(/^at a time \(everything\) +6 left of 7$/m);
  await run('left', 1, {});
  const [status] = JSON.parse((await keruta('trigger', 'status', 'left', '--json')).out);
  expect(status.breaker).toEqual({ state: 'closed', failed: 1, of: 1, openUntil: null });
  expect(status.limits.map(({ name, left }: Record<string, unknown>) => [name, left])).toEqual([
    ['runs_per_day', 4],
    ['cost_per_day', 1_000_000],
    ['concurrency', 7],
  ]);
  expect((await keruta('trigger', 'status', 'left')).out).toMatch(
    /^breaker +closed, 1 of the last 1 failed$/m,
  );
}, 60_000);

test('the status of a workflow whose breaker is open tells until when', async () => {
  workflow('broken', 'policy: { breaker: { consecutiveFailures: 1, coolOff: 1h } }\n');
  expect(await keruta('apply', '-f', 'broken.yaml')).toMatchObject({ status: 0 });
  expect(await keruta('trigger', 'fire', 'broken')).toMatchObject({ status: 0 });
  await run('broken', 1, {});
  const { out } = await keruta('workflow', 'status', 'broken');
  expect(out).toMatch(/^breaker +open, then one run as a probe from 20\S+Z on$/m);
}, 60_000);
