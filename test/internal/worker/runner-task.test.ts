import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import { makeRepository } from '../../fixtures/git.ts';
import { Place } from './agent-under-test.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const context = {
  ...{
    taskId: null,
    specName: null,
    title: 'Mend',
    description: 'It subtracts.',
    acceptanceCriteria: ['it adds'],
  },
  ...{ requiredSkill: null, focus: [], branchName: null, targetBranch: null, playbook: null },
  ...{ slotId: null, slotPath: null, publish: 'branch' as const },
};
const script =
  'cat "$KERUTA_CONTEXT_FILE"; echo; pwd; echo "$KERUTA_BASE_DIR $KERUTA_ALLOW_LOCAL_GIT $KERUTA_RUNNER_CONFIG $KERUTA_GIT_TIMEOUT"';

test('a task that is no script finds its context in a file, and the clone of the workspace is left alone', async () => {
  const repositoryUrl = makeRepository({ 'a.txt': 'one\n' });
  place.source.session = { ...place.source.session, repositoryUrl, gitTimeoutSeconds: 90 };
  const autoFix = { errorCode: 'E1', errorMessage: 'it broke', bundle: null, fixCount: 1 };
  const parameters = { lint: true, autoFix };
  const task = place.source.add(script, { kind: 'agent', context, parameters });
  await place.once({ runnerConfig: '/etc/runner.yaml' });
  const { streams, report } = place.source.attemptOf(task);
  expect(report?.exitCode).toBe(0);
  const [json = '', directory = '', variables = ''] = Buffer.concat(streams.stdout).toString().split('\n');
  const read = readRunnerTask({ value: JSON.parse(json), file: 'context.json' });
  expect(read).toMatchObject({
    ...{ kind: 'agent', id: task.id, sessionId: place.source.session.id, context, repositoryUrl, ref: null },
    failure: { errorCode: 'E1', errorMessage: 'it broke' },
    parameters: { lint: true },
  });
  expect(existsSync(join(directory, 'a.txt'))).toBe(false);
  expect(variables).toBe(`${join(place.root, 'base')} true /etc/runner.yaml 1m30s`);
});

test('a token that the server lent is handed on beside the agent’s own, which may push, and is seen nowhere', async () => {
  const [repositoryUrl, password] = ['https://git.example/acme/site.git', 'ghs_lent-for-reading-alone'];
  const expiresAt = '2030-01-01T00:00:00.000Z';
  const credentials = { username: 'x-access-token', password, expiresAt };
  place.source.checkout = { repositoryUrl, credentials, note: null };
  const tell = 'echo "$GIT_TOKEN $KERUTA_LENT_GIT_TOKEN"; grep -c ghs_ "$KERUTA_CONTEXT_FILE"';
  const task = place.source.add(tell, { kind: 'agent', context });
  await place.once({ environment: { PATH: process.env.PATH, GIT_TOKEN: 'own' } });
  expect(Buffer.concat(place.source.attemptOf(task).streams.stdout).toString()).toBe(
    `own ${'*'.repeat(password.length)}\n0\n`,
  );
});

test('a repository that this agent may not work on is refused before the runner starts', async () => {
  place.source.session = { ...place.source.session, repositoryUrl: 'https://elsewhere.example/app.git' };
  const task = place.source.add(script, { kind: 'agent', context });
  await place.once({ allowedRepositories: ['https://git.example/'] });
  const { report, streams } = place.source.attemptOf(task);
  expect(report).toMatchObject({ reason: 'checkout', errorCode: 'KERUTA_ERR_POLICY' });
  expect(streams.stdout).toEqual([]);
});

test('an agent that runs scripts in containers says that such a task is not for it', async () => {
  const task = place.source.add(script, { kind: 'agent', context });
  await place.once({ inContainers: true });
  expect(place.source.attemptOf(task).report).toMatchObject({
    errorCode: 'KERUTA_ERR_POLICY',
    message: expect.stringContaining('--executor local'),
  });
});

test('a script gets none of it', async () => {
  const task = place.source.add('echo "[$KERUTA_CONTEXT_FILE$KERUTA_BASE_DIR]"');
  await place.once({ runnerConfig: '/etc/runner.yaml' });
  expect(Buffer.concat(place.source.attemptOf(task).streams.stdout).toString()).toBe('[]\n');
});
