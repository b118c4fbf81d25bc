import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../fixtures/free-port.ts';
import { makePlace } from './place.ts';

/** Scripts and repositories that cannot be run: the task says why. */
const place = makePlace('bad-scripts');
let closed = 0;
let authServer: Server;

beforeAll(async () => {
  await place.server();
  closed = await freePort();
  const [key, cert] = [place.path('key.pem'), place.path('cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  authServer = createServer(tls, (_request, answer) =>
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="repositories"' }).end(),
  );
  await new Promise<void>((listening) => authServer.listen(0, '127.0.0.1', () => listening()));
  place.env = { ...place.env, GIT_SSL_CAINFO: cert };
});
afterAll(async () => {
  authServer.close();
  await place.close();
});

describe('a script', () => {
  let session = '';
  beforeAll(async () => {
    session = await place.session('scripts');
    await place.daemon(session);
  });
  const run = async (script: string) => {
    const id = await place.submit(session, script);
    return { id, task: await place.whole(id) };
  };

  test('with the line ends of another system runs', async () => {
    const { id, task } = await run('#!/bin/bash\r\nfor i in 1 2; do\r\n  echo "n $i"\r\ndone\r\n');
    expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(await place.logs(id)).toBe('n 1\nn 2\n');
  });

  test('whose interpreter is missing is not begun, and the task names it', async () => {
    const { task } = await run('#!/usr/bin/no-such-interpreter -x\necho hi\n');
    expect(task).toMatchObject({
      status: 'FAILED',
      exitCode: null,
      reason: 'refused',
      errorCode: 'KERUTA_ERR_INTERPRETER_MISSING',
      message: expect.stringMatching(/no-such-interpreter.*install it/),
    });
  });

  test('that is no program text fails, and the next one runs', async () => {
    expect((await run('((((')).task).toMatchObject({ status: 'FAILED', exitCode: 2 });
    expect((await run('\u0001\u0002')).task.status).toBe('FAILED');
    await expect(run('\u0000\u0001\u0002')).rejects.toThrow(/400 .*NUL byte in line 1/);
    expect((await run('echo fine')).task.status).toBe('COMPLETED');
  });

  test('whose artifacts are too large, links or secrets leaves the others, and the log says why', async () => {
    const script = `cd "$KERUTA_ARTIFACTS_DIR"
echo fine > fine.txt; ln -s /etc/passwd link; mkfifo fifo; echo x > .env
mkdir -p deep; ln -s / deep/root`;
    const { id, task } = await run(script);
    expect(task.status).toBe('COMPLETED');
    expect((await place.artifacts(id)).map(({ path }) => path)).toEqual(['fine.txt']);
    const lines = await place.api<{ message: string }[]>('GET', `/tasks/${id}/logs`);
    const said = lines.map(({ message }) => message).join('\n');
    for (const word of [/link: .*link/, /fifo: /, /\.env: private/, /deep\/root: /])
      expect(said).toMatch(word);
  });
});

describe('a repository', () => {
  const runIn = async (name: string, wish: Record<string, unknown>, args: readonly string[] = []) => {
    const session = await place.session(name, wish);
    const daemon = await place.daemon(session, ['--base-dir', place.path(`base ${name}`), ...args]);
    const id = await place.submit(session, 'git log --format=%s; cat README.md');
    const task = await place.whole(id);
    await daemon.stop();
    return { ...task, logs: await place.logs(id) };
  };

  test('that is there is checked out', async () => {
    const repositoryUrl = await place.repository('fine');
    const task = await runIn('fine', { repositoryUrl }, ['--allow-local-git']);
    expect(task).toMatchObject({ status: 'COMPLETED', logs: 'first\nhello\n' });
  });

  test('on this machine is refused without --allow-local-git', async () => {
    const repositoryUrl = `file://${await place.repository('local')}`;
    expect(await runIn('local', { repositoryUrl })).toMatchObject({
      status: 'FAILED',
      reason: 'checkout',
      errorCode: 'KERUTA_ERR_REPOSITORY_REFUSED',
      message: expect.stringMatching(/local.*--allow-local-git/),
      logs: '',
    });
  });

  test('that cannot be reached', async () => {
    const repositoryUrl = `https://127.0.0.1:${closed}/x.git`;
    expect(await runIn('unreachable', { repositoryUrl })).toMatchObject({
      status: 'FAILED',
      reason: 'checkout',
      errorCode: 'KERUTA_ERR_REPOSITORY_UNREACHABLE',
      message: expect.stringContaining(repositoryUrl),
    });
  });

  test('that asks for credentials does not make the agent wait for them', async () => {
    const { port } = authServer.address() as { port: number };
    const repositoryUrl = `https://127.0.0.1:${port}/x.git`;
    expect(await runIn('auth', { repositoryUrl })).toMatchObject({
      status: 'FAILED',
      reason: 'checkout',
      errorCode: 'KERUTA_ERR_REPOSITORY_AUTH',
      message: expect.stringContaining(repositoryUrl),
    });
  });

  test('without the ref that is wished for names those that it has', async () => {
    const repositoryUrl = await place.repository('refs');
    const wish = { repositoryUrl, repositoryRef: 'no-such-branch' };
    expect(await runIn('refs', wish, ['--allow-local-git'])).toMatchObject({
      status: 'FAILED',
      reason: 'checkout',
      errorCode: 'KERUTA_ERR_REF_NOT_FOUND',
      message: expect.stringMatching(/"no-such-branch".*main/),
    });
  });

  test('whose address is a command is refused when the session is made', async () => {
    const words = ['session', 'create', 'evil', '--repository', 'ext::sh -c touch% /tmp/evil'];
    expect(await place.keruta(words)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('https://'),
    });
  });
});
