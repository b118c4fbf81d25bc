import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../lib/src/index.ts';
import { git, makeRepository, temporaryDirectory } from '../fixtures/git.ts';
import { makePlace, until } from './place.ts';

/** Agent tasks that programs hand in, with the built program: to an agent by HTTP, and by the library. */
const place = makePlace('runs-api');

beforeAll(async () => {
  await place.server();
});
afterAll(() => place.close());

function remoteOf(): string {
  const remote = join(temporaryDirectory('remote'), 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  return remote;
}

test('an agent does what is posted to it, also when it is killed meanwhile; so many at once, and none outlives its stop', async () => {
  const session = await place.session('runs');
  const base = place.path('base');
  const env = { ...place.env, KERUTA_BASE_DIR: base };
  const start = () => place.daemon(session, ['--allow-local-git'], { env });
  const gate = place.path('gate');
  const command = place.file(
    'coder',
    `#!/bin/sh\ncat > /dev/null\necho at work\nwhile [ ! -e ${gate} ]; do sleep 0.05; done\necho two > a.txt\n`,
    0o755,
  );
  const body = (remote: string) => ({
    context: { title: 'Two', repository_url: remote },
    config: { coder: { agent: 'custom', command } },
  });
  const ask = async (method: string, path: string, json?: unknown) => {
    const { url } = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { url: string };
    const token = readFileSync(join(base, 'local.token'), 'utf8');
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const told = (await answer.json()) as {
      id: string;
      state: string;
      text: string;
      result: { branch: string };
    };
    return { status: answer.status, headers: answer.headers, json: told };
  };
  let daemon = await start();
  const remote = remoteOf();
  const first = await ask('POST', '/runs', body(remote));
  expect(first.status).toBe(202);
  const path = `/runs/${first.json.id}`;
  const isAtWork = async (where: string) => (await ask('GET', `${where}/log`)).json.text.includes('at work');
  await until('it works', () => isAtWork(path), 60_000);
  await daemon.stop('SIGKILL');
  daemon = await start();
  expect((await ask('GET', path)).json.state).toBe('running');
  const others = [];
  for (let more = 0; more < 3; more++) others.push(await ask('POST', '/runs', body(remoteOf())));
  expect(others.map(({ status }) => status)).toEqual([202, 202, 202]);
  const refused = await ask('POST', '/runs', body(remote));
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const [one, two] = others;
  expect((await ask('DELETE', `/runs/${one?.json.id}`)).json.state).toBe('cancelled');
  place.file('gate', '');
  await until('it is done', async () => (await ask('GET', path)).json.state === 'completed', 60_000);
  expect(git(remote, 'show', `${(await ask('GET', path)).json.result.branch}:a.txt`)).toBe('two');
  await until(
    'the others are',
    async () => (await ask('GET', `/runs/${two?.json.id}`)).json.state === 'completed',
    60_000,
  );
  rmSync(gate);
  const last = await ask('POST', '/runs', body(remote));
  await until('the last works', () => isAtWork(`/runs/${last.json.id}`), 60_000);
  await daemon.stop('SIGTERM');
  expect(place.processes().filter((one) => one.command.includes('runner run'))).toEqual([]);
}, 240_000);

test('the library does an agent task with the executable', async () => {
  const command = place.file('quick', '#!/bin/sh\ncat > /dev/null\necho two > a.txt\n', 0o755);
  const remote = remoteOf();
  const result = await run(
    { title: 'Two', repositoryUrl: remote, publish: 'branch' },
    { coder: { agent: 'custom', command } },
    { executable: place.executable, cwd: place.path('.'), allowLocalGit: true, artifactsDirectory: 'made' },
  );
  expect(result).toMatchObject({ success: true, pushed: true });
  expect(git(remote, 'show', `${result.branch}:a.txt`)).toBe('two');
  expect(result.artifacts.every(({ uri }) => uri.startsWith(`file://${place.path('made')}`))).toBe(true);
});
