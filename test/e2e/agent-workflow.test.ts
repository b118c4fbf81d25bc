import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LedgerEntryWire } from '../../internal/api/ledger-shapes.ts';
import { calls, chatPath } from '../fake-server/chat.ts';
import { startFakeServer } from '../fake-server/fake-server.ts';
import { heldUp } from '../faults/lab/starvation.ts';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { makePlace, until } from './place.ts';

/** Workflows whose tasks are done by coding agents, with the built program. */
const place = makePlace('agent-workflow');

beforeAll(() => place.server());
afterAll(() => place.close());

const files = {
  'sum.js': 'module.exports = 0;\n',
  'plays/build.yaml': `steps:
  - name: write
    command: echo "module.exports = 4; // for $REPORTER" > sum.js
    env: { REPORTER: '\${{ reporter }}' }
  - name: never
    command: echo never > never.txt
    condition: reporter == "nobody"
`,
};

/** A bare repository, a session for it, and an agent that works by this configuration. */
async function begin(name: string, coder: object) {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository(files), remote);
  const session = await place.session(name, { repositoryUrl: remote });
  const config = place.file(`${name}.yaml`, JSON.stringify({ coder, test_command: 'grep -q 4 sum.js' }));
  const args = ['--base-dir', place.path(session), '--allow-local-git', '--runner-config', config];
  await place.daemon(session, args, { env: { ...place.env, OPENAI_API_KEY: 'a-key-of-the-model-77' } });
  return remote;
}

async function apply(file: string, definition: object): Promise<void> {
  const { status, stderr } = await place.keruta([
    'apply',
    '-f',
    place.file(file, JSON.stringify(definition)),
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

async function ledgerOf(workflow: string): Promise<readonly LedgerEntryWire[]> {
  const path = `/ledger?workflow=${workflow}&limit=100`;
  return (await place.api<{ entries: LedgerEntryWire[] }>('GET', path)).entries;
}

describe.concurrent('a workflow of agent tasks', () => {
  test('has the work done on a branch, by an agent that is told what it was fired with, and its cost is in the ledger', async () => {
    const prompt = place.path('prompt.md');
    const command = place.file(
      'toy',
      `#!/bin/sh
cat > ${prompt}
echo 'module.exports = 4;' > sum.js
echo '{"usage": {"model": "toy", "tokens_in": 100, "tokens_out": 20, "cost_usd": 0.03}}'
`,
      0o755,
    );
    const remote = await begin('mending', { agent: 'custom', command });
    await apply('mending-workflow.json', {
      ...{ name: 'mending', focus: ['numbers'] },
      run: {
        parameters: { urgent: true },
        context: { title: 'Mend the sum', acceptanceCriteria: ['it is 4'], publish: 'branch' },
      },
    });
    const fired = await place.api<{ taskId: string }>('POST', '/workflows/mending/fire', {
      parameters: { reporter: 'Ada' },
    });
    const task = await place.whole(fired.taskId, 90_000);
    expect(task).toMatchObject({ kind: 'agent', name: 'Mend the sum', status: 'COMPLETED', attempt: 1 });
    expect(task.context).toMatchObject({ focus: ['numbers'] });
    const branch = /^(\S+) pushed, tests pass$/.exec(task.message)?.[1] ?? '';
    expect(git(remote, 'show', `${branch}:sum.js`)).toBe('module.exports = 4;');
    const told = readFileSync(prompt, 'utf8');
    expect(told).toMatch(/^# Task: Mend the sum$/m);
    expect(told).toMatch(/## What it was given\n\n- urgent: true\n- reporter: "Ada"\n/);
    const entries = await ledgerOf('mending');
    // the newest first: how it ended
    const [ended] = entries.filter(({ taskId }) => taskId === fired.taskId);
    expect(ended).toMatchObject({ decision: 'run', attempts: 1, costMicros: 30_000, tokensIn: 100 });
  }, 120_000);

  test('has the steps of a playbook followed, with what it was fired with', async () => {
    const remote = await begin('playing', { agent: 'custom', command: '/bin/false' });
    const context = { title: 'Build it', playbook: 'plays/build.yaml' };
    await apply('playing-workflow.json', { name: 'playing', run: { context } });
    const { taskId } = await place.api<{ taskId: string }>('POST', '/workflows/playing/fire', {
      parameters: { reporter: 'Ada' },
    });
    const task = await place.whole(taskId, 90_000);
    expect(task).toMatchObject({ kind: 'playbook', status: 'COMPLETED', attempt: 1 });
    const branch = /^(\S+) pushed/.exec(task.message)?.[1] ?? '';
    expect(git(remote, 'show', `${branch}:sum.js`)).toBe('module.exports = 4; // for Ada');
    expect(git(remote, 'ls-tree', '--name-only', branch).split('\n')).toEqual(['plays', 'sum.js']);
  }, 120_000);

  test('has an agent ended that reaches what a run may cost, while it works', async () => {
    const model = await startFakeServer();
    // it never has enough: each answer costs a cent
    model.route('POST', chatPath, calls('run_command', { command: 'sleep 0.2; echo once more' }));
    await begin('dear', {
      ...{ agent: 'endpoint', endpoint: `${model.url}/v1`, model: 'gpt-4' },
      prices: { 'gpt-4': { in: 100, out: 0 } },
      max_steps: 10_000,
    });
    await apply('dear-workflow.json', {
      ...{ name: 'dear', run: { kind: 'agent', context: { title: 'Never enough' }, autoFix: false } },
      policy: { maxCostPerRun: '0.05', maxCostPerDay: '1.00' },
    });
    const { taskId } = await place.api<{ taskId: string }>('POST', '/workflows/dear/fire', {});
    const spent = async () =>
      Number((await place.api<{ amount: string }>('GET', `/tasks/${taskId}/costs`)).amount);
    await until('it has spent that much', async () => (await spent()) >= 0.05, 60_000);
    const [began, held] = [performance.now(), heldUp()];
    const task = await place.ended(taskId, 60_000);
    expect(task).toMatchObject({ status: 'CANCELLED', reason: 'cost_limit' });
    expect(performance.now() - began).toBeLessThan(10_000 + held());
    await model.close();
  }, 120_000);
});

test.each([
  ['a script beside an agent’s context', { script: 'true', context: { title: 'x' } }, /run\.script/],
  ['a context for a script', { kind: 'script', script: 'true', context: { title: 'x' } }, /run\.context/],
  ['an agent without a context', { kind: 'agent' }, /run\.context/],
  ['neither', { name: 'nothing' }, /run\.script/],
  ['a context without a title', { context: { description: 'x' } }, /run.*title/],
  ['a branch that git refuses', { context: { title: 'x', branchName: 'a..b' } }, /run\.context\.branchName/],
])('what does not go together in a workflow is refused with its field: %s', async (name, run, named) => {
  const file = place.file(`${name.replaceAll(/\W+/g, '-')}.json`, JSON.stringify({ name: 'bad', run }));
  const { status, stderr } = await place.keruta(['apply', '-f', file]);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(named) });
});
