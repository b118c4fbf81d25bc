import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Started } from '../e2e/place.ts';
import { git, makeRepository, write } from '../fixtures/git.ts';
import { Lab } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';
import { openTlsRemote, type TlsRemote } from './lab/tls-remote.ts';

/** I. Git: remotes that drip; repositories with odd contents; clones that belong to somebody else. */
let lab: Lab;
let remote: TlsRemote;
/** the slow one takes half a minute: it goes on beside the others */
let dripping: { readonly agent: Started; readonly id: string; readonly since: number };

beforeAll(async () => {
  lab = await Lab.open('git-remote');
  remote = await openTlsRemote(lab.place.directory, {
    drip: (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      const timer = setInterval(() => response.write('0'), 500);
      response.on('close', () => clearInterval(timer));
    },
  });
  const { session, agent } = await onRepository('f93', `${remote.origin}/drip/app.git`);
  dripping = { agent, id: await lab.submit(session, 'echo never'), since: Date.now() };
});
afterAll(async () => {
  remote.close();
  await lab.close();
});

/** A session on a repository, with an agent that may use local ones and trusts the remote's certificate. */
async function onRepository(name: string, repositoryUrl: string) {
  const session = await lab.place.session(name, { repositoryUrl });
  const agent = await lab.agent(session, {
    args: ['--allow-local-git'],
    env: { GIT_SSL_CAINFO: remote.certificate },
  });
  return { session, agent };
}

async function runIn(session: string, script: string) {
  const id = await lab.submit(session, script);
  const task = await lab.place.whole(id, 60_000);
  return { task, text: await lab.place.logs(id, 'stdout') };
}

describe('F-100, S-25: a repository that holds', () => {
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
    [
      'the address of another server',
      () => `[submodule "s"]\n\tpath = sub\n\turl = ${remote.origin}/sub/x.git\n`,
    ],
    ['a remote helper', () => `[submodule "s"]\n\tpath = sub\n\turl = "ext::sh -c touch% ${marker()}"\n`],
    [
      'a program for its update',
      () =>
        `[submodule "s"]\n\tpath = sub\n\turl = ${remote.origin}/sub/x.git\n\tupdate = "!touch ${marker()}"\n`,
    ],
    ['a local path', () => `[submodule "s"]\n\tpath = sub\n\turl = ${lab.place.directory}\n`],
    ['an option', () => `[submodule "s"]\n\tpath = sub\n\turl = -uecho% x;touch\n`],
    [
      'a path that is an option',
      () => `[submodule "s"]\n\tpath = -utouch\n\turl = ${remote.origin}/sub/x.git\n`,
    ],
    [
      'a name that leads elsewhere',
      () => `[submodule "../../x"]\n\tpath = sub\n\turl = ${remote.origin}/sub/x.git\n`,
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
    expect(remote.asked.filter((path) => path.startsWith('/sub/'))).toEqual([]);
    expect(existsSync(marker())).toBe(false);
    await agent.stop('SIGKILL');
    tally({ row: 'F-100', rounds: 1, note: `${what}: ${task.status}` });
  });

  test('files of LFS, where there is no LFS: they stay the pointers that they are, also for the task after', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    const directory = makeRepository({
      'big.bin': pointer,
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.lfsconfig': `[lfs]\n\turl = ${remote.origin}/lfs\n`,
    });
    const { session, agent } = await onRepository('f100 lfs', directory);
    for (let round = 0; round < 2; round++) {
      const { task, text } = await runIn(session, 'cat big.bin; git status --porcelain');
      expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
      expect(text).toBe(pointer);
    }
    expect(remote.asked.filter((path) => path.startsWith('/lfs'))).toEqual([]);
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
  expect(remote.asked.filter((path) => path.startsWith('/drip/')).length).toBeGreaterThan(0);
  await agent.stop('SIGKILL');
  tally({ row: 'F-93', rounds: 1, note: `ended after ${Math.round(tookMs / 1000)} s` });
});
