import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commit, makeRepository } from '../fixtures/git.ts';
import { type GitHttps, serveGit } from '../fixtures/git-https.ts';
import { deliverTo, secrets } from '../internal/server/github-world.ts';
import { pullRequest } from '../internal/trigger/github/payloads.ts';
import { type FakeGithub, startFakeGithub } from '../pkg/github/fake-github.ts';
import { makePlace } from './place.ts';

/** From a delivery of GitHub to what is told back, with real programs, a real git server and a fake of the API. */
const place = makePlace('github');
let fake: FakeGithub;
let remote: GitHttps;
let first = '';
beforeAll(async () => {
  fake = await startFakeGithub();
  const repository = makeRepository({ 'a.txt': 'one' });
  first = commit(repository, { 'a.txt': 'two' }, 'second');
  commit(repository, { 'a.txt': 'three' }, 'third');
  const isLetIn = (user: string) => fake.tokens.some((token) => user === `x-access-token:${token}`);
  remote = await serveGit({ repository, path: 'acme/site', isLetIn });
});
afterAll(async () => {
  await place.close();
  remote?.close();
  await fake?.close();
});

const settings = () => ({
  GITHUB_APP_ID: fake.appId,
  GITHUB_APP_PRIVATE_KEY: fake.pem.replaceAll('\n', '\\n'),
  GITHUB_WEBHOOK_SECRET: secrets[0] ?? '',
  GITHUB_API_URL: fake.url,
  KERUTA_PUBLIC_URL: 'https://keruta.example.com/',
});

function pull(action: string) {
  const { pull_request, repository, ...rest } = pullRequest(action);
  const own = { ...repository, clone_url: `${remote.origin}/acme/site.git` };
  return {
    ...rest,
    repository: own,
    pull_request: { ...pull_request, head: { ...pull_request.head, sha: first } },
  };
}

describe('a pull request in a private repository', () => {
  test('fires a workflow that runs at its commit, and hears the end once, also of a server that was killed', async () => {
    const server = await place.server([], { env: { ...place.env, ...settings() } });
    const file = place.file(
      'review.yaml',
      [
        'name: review',
        'run: |',
        '  cat a.txt; git rev-parse HEAD; env; git config --list --show-origin',
        '  keruta success --message "two files looked at"',
        'triggers:',
        '  - { type: github, repository: acme/site, events: [pull_request], actions: [opened], report: [status, comment] }',
      ].join('\n'),
    );
    const applied = await place.keruta(['apply', '-f', file]);
    expect([applied.status, applied.stderr]).toEqual([0, '']);
    const event = { 'x-github-event': 'pull_request', 'x-github-delivery': 'one' };
    const { status, body } = await deliverTo(server.url, pull('opened'), event);
    expect([status, body.status]).toEqual([202, 'accepted']);
    const taskId: string = body.triggers[0].taskId;
    const [session] = await place.api<{ id: string }[]>('GET', '/sessions/search?name=review');
    const agent = await place.daemon(session?.id ?? '', [], {
      env: { ...place.env, GIT_SSL_CAINFO: remote.certificate },
    });
    const task = await place.whole(taskId, 60_000);
    const output = await place.logs(taskId);
    expect([task.status, task.ref], output).toEqual(['COMPLETED', first]);
    expect(output).toContain(`two${first}\n`);
    expect(output).toContain('KERUTA_EVENT_KIND=pull_request');
    // the secret that opens the repository is in no output and in no log
    expect(fake.tokens.length).toBeGreaterThan(0);
    const told = [output, server.stdout(), server.stderr(), agent.stdout(), agent.stderr()].join('\n');
    for (const token of fake.tokens) expect(told).not.toContain(token);
    await expect.poll(() => fake.comments.length, { timeout: 30_000 }).toBe(1);
    expect(fake.statuses.map(({ state }) => state)).toEqual(['pending', 'success']);
    expect(fake.statuses[1]).toMatchObject({
      at: `/repos/acme/site/statuses/${first}`,
      context: 'keruta/review',
      target_url: `https://keruta.example.com/api/v1/tasks/${taskId}`,
    });
    expect(fake.comments[0]?.body).toContain('two files looked at');

    await agent.stop();
    // GitHub is away while a task is cancelled, and the server is killed before it is told
    fake.fault = 503;
    const second = await deliverTo(server.url, pull('opened'), { ...event, 'x-github-delivery': 'two' });
    const refusals = () => server.stderr().split('did not take a report').length - 1;
    await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThan(0);
    const before = refusals();
    await place.api('POST', `/tasks/${second.body.triggers[0].taskId}/cancel`, {});
    await place.when(second.body.triggers[0].taskId, ({ status: now }) => now === 'CANCELLED', 60_000);
    await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThan(before);
    await server.stop('SIGKILL');
    fake.fault = 0;
    await place.server([], { env: { ...place.env, ...settings() }, port: server.port });
    await expect.poll(() => fake.comments.length, { timeout: 90_000 }).toBe(2);
    expect(fake.comments[1]?.body).toContain('**cancelled');
    expect(fake.statuses.at(-1)?.state).toBe('error');
    const again = await deliverTo(server.url, pull('opened'), { ...event, 'x-github-delivery': 'two' });
    expect([again.status, again.body.status]).toEqual([200, 'duplicate']);
  }, 170_000);
});
