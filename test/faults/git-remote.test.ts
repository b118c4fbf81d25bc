import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, until } from '../e2e/place.ts';
import { git, makeRepository, write } from '../fixtures/git.ts';
import { Lab } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';

/** I. Git: remotes that drip, or ask; repositories with odd contents; clones that belong to somebody else. */
let lab: Lab;
let remote: Server;
let origin: string;
let certificate: string;
/** the slow one takes half a minute: it goes on beside the others */
let dripping: { readonly agent: Started; readonly id: string; readonly since: number };
const asked: string[] = [];

/** What the remote answers, by the first part of the path. */
const answers: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  drip: (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    const timer = setInterval(() => response.write('0'), 500);
    response.on('close', () => clearInterval(timer));
  },
  secret: (_, response) =>
    void response.writeHead(401, { 'www-authenticate': 'Basic realm="who are you"' }).end(),
};

beforeAll(async () => {
  lab = await Lab.open('git-remote');
  certificate = lab.place.path('cert.pem');
  const key = lab.place.path('key.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  const tls = { key: readFileSync(key), cert: readFileSync(certificate) };
  remote = createServer(tls, (request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    const answer = answers[path.split('/')[1] ?? ''];
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await until('the remote listens', () => remote.listening);
  origin = `https://127.0.0.1:${(remote.address() as AddressInfo).port}`;
  const { session, agent } = await onRepository('f93', `${origin}/drip/app.git`);
  dripping = { agent, id: await lab.submit(session, 'echo never'), since: Date.now() };
});
afterAll(async () => {
  remote.closeAllConnections();
  remote.close();
  await lab.close();
});

/** A session on a repository, with an agent that may use local ones and trusts the remote's certificate. */
async function onRepository(name: string, repositoryUrl: string) {
  const session = await lab.place.session(name, { repositoryUrl });
  const agent = await lab.agent(session, {
    args: ['--allow-local-git'],
    env: { GIT_SSL_CAINFO: certificate },
  });
  return { session, agent };
}

async function runIn(session: string, script: string) {
  const id = await lab.submit(session, script);
  const task = await lab.place.ended(id, 60_000);
  return { task, text: await lab.place.logs(id, 'stdout') };
}

describe('F-94: an agent in a terminal', () => {
  const hasScript = (() => {
    try {
      execFileSync('script', ['--version']);
      return true;
    } catch {
      return false;
    }
  })();

  test.skipIf(!hasScript)(
    'does not wait for a name when the remote wants one: the task fails at once and says why (needs script)',
    async () => {
      const session = await lab.place.session('f94 http', { repositoryUrl: `${origin}/secret/app.git` });
      const base = lab.place.path('base-f94');
      const words = ['daemon', '--session-id', session, '--port', '0', '--base-dir', base];
      const command = [lab.place.executable, ...words].map((word) => `'${word}'`).join(' ');
      const terminal = lab.place.start('script', ['-qefc', command, '/dev/null'], {
        env: { ...lab.place.env, GIT_SSL_CAINFO: certificate },
        timeoutMs: 120_000,
      });
      await until('the agent is ready', () => /the agent is ready/.test(terminal.stdout()), 60_000);
      const { pid } = JSON.parse(readFileSync(join(base, 'agent.json'), 'utf8')) as { pid: number };
      expect(terminalOf(pid)).not.toBe(0);
      const before = Date.now();
      const { task } = await runIn(session, 'echo ran');
      const tookMs = Date.now() - before;
      expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout' });
      expect(task.errorCode).toBe('KERUTA_ERR_REPOSITORY_AUTH');
      expect(task.message).toMatch(/could not read Username.*credential helper/);
      expect(terminal.stdout()).not.toMatch(/^Username/m);
      await terminal.stop('SIGKILL');
      tally({ row: 'F-94', rounds: 1, note: `401, with a terminal: failed after ${tookMs} ms` });
    },
  );
});

/** Device number of a process's terminal; 0 = it has none. @see proc(5), stat, field 7 */
function terminalOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
}

describe('F-100: a repository that holds', () => {
  /** Makes a repository with a submodule whose entry in .gitmodules is as given. */
  const withSubmodule = (entry: string, path = 'sub') => {
    const directory = makeRepository({ 'README.md': 'hello\n' });
    write(directory, { '.gitmodules': entry });
    const head = git(directory, 'rev-parse', 'HEAD');
    git(directory, 'update-index', '--add', '--cacheinfo', `160000,${head},${path}`);
    git(directory, 'add', '.gitmodules');
    git(directory, 'commit', '--quiet', '--message', 'submodule');
    return directory;
  };
  const marker = () => lab.place.path('f100-ran');

  test.each([
    ['the address of another server', () => `[submodule "s"]\n\tpath = sub\n\turl = ${origin}/sub/x.git\n`],
    ['a remote helper', () => `[submodule "s"]\n\tpath = sub\n\turl = "ext::sh -c touch% ${marker()}"\n`],
    [
      'a program for its update',
      () => `[submodule "s"]\n\tpath = sub\n\turl = ${origin}/sub/x.git\n\tupdate = "!touch ${marker()}"\n`,
    ],
    ['a local path', () => `[submodule "s"]\n\tpath = sub\n\turl = ${lab.place.directory}\n`],
    ['an option', () => `[submodule "s"]\n\tpath = sub\n\turl = -uecho% x;touch\n`],
    ['a path that is an option', () => `[submodule "s"]\n\tpath = -utouch\n\turl = ${origin}/sub/x.git\n`],
    [
      'a name that leads elsewhere',
      () => `[submodule "../../x"]\n\tpath = sub\n\turl = ${origin}/sub/x.git\n`,
    ],
  ])('a submodule with %s: nothing of it is fetched or run', async (what, entry) => {
    const { session, agent } = await onRepository(`f100 ${what}`, withSubmodule(entry()));
    const { task, text } = await runIn(
      session,
      'cat README.md; ls -A sub; git config --get-regexp submodule; :',
    );
    // git itself refuses what can only be an attack; everything else is a directory that stays empty
    if (task.status === 'COMPLETED') expect(text).toBe('hello\n');
    else {
      expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout', errorCode: 'KERUTA_ERR_GIT' });
      expect(task.message).toMatch(/gitmodules/);
    }
    expect(asked.filter((path) => path.startsWith('/sub/'))).toEqual([]);
    expect(existsSync(marker())).toBe(false);
    await agent.stop('SIGKILL');
    tally({ row: 'F-100', rounds: 1, note: `${what}: ${task.status}` });
  });

  test('files of LFS, where there is no LFS: they stay the pointers that they are, also for the task after', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    const directory = makeRepository({
      'big.bin': pointer,
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.lfsconfig': `[lfs]\n\turl = ${origin}/lfs\n`,
    });
    const { session, agent } = await onRepository('f100 lfs', directory);
    for (let round = 0; round < 2; round++) {
      const { task, text } = await runIn(session, 'cat big.bin; git status --porcelain');
      expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
      expect(text).toBe(pointer);
    }
    expect(asked.filter((path) => path.startsWith('/lfs'))).toEqual([]);
    await agent.stop('SIGKILL');
    tally({ row: 'F-100', rounds: 2, note: 'LFS' });
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'F-102: a clone that belongs to another user is refused with what to do, and trusted by nobody (needs root)',
  async () => {
    const { session, agent } = await onRepository('f102', makeRepository({ 'README.md': 'hello\n' }));
    expect((await runIn(session, 'cat README.md')).text).toBe('hello\n');
    const repositories = lab.place.path(`base-${session}`, 'repos');
    const clone = join(repositories, readdirSync(repositories)[0] ?? '');
    const give = (uid: number) => {
      for (const path of [clone, join(clone, '.git')]) chownSync(path, uid, uid);
    };
    give(12_345);
    const { task } = await runIn(session, 'echo ran');
    expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout', errorCode: 'KERUTA_ERR_DIRECTORY' });
    expect(task.message).toMatch(/dubious ownership/);
    expect(task.message).toMatch(/change the owner/);
    expect(task.message).not.toMatch(/safe\.directory/);
    expect(readFileSync(join(clone, '.git/config'), 'utf8')).not.toContain('safe');
    expect(readFileSync(join(clone, 'README.md'), 'utf8')).toBe('hello\n');
    give(0);
    expect((await runIn(session, 'cat README.md')).text).toBe('hello\n');
    await agent.stop('SIGKILL');
    tally({ row: 'F-102', rounds: 1 });
  },
);

test('F-93: a remote that drips a byte every half second ends by the limit of speed, not by the patience of people', async () => {
  const { agent, id, since } = dripping;
  const task = await lab.place.ended(id, 120_000);
  const tookMs = Date.now() - since;
  expect(task).toMatchObject({ status: 'FAILED', reason: 'checkout' });
  expect(task.errorCode).toBe('KERUTA_ERR_REPOSITORY_UNREACHABLE');
  expect(task.message).toMatch(/too slow/i);
  expect(asked.filter((path) => path.startsWith('/drip/')).length).toBeGreaterThan(0);
  await agent.stop('SIGKILL');
  tally({ row: 'F-93', rounds: 1, note: `ended after ${Math.round(tookMs / 1000)} s` });
});
