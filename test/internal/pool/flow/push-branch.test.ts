import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CommitMade } from '../../../../internal/pool/flow/commit-all.ts';
import type { ReadyBranch } from '../../../../internal/pool/flow/prepare-branch.ts';
import { readAnswer } from '../../../../internal/pool/flow/push-branch.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { parseRepositoryUrl } from '../../../../pkg/git/repository-url.ts';
import { runProcess } from '../../../../pkg/process/run.ts';
import { git, makeRepository, write } from '../../../fixtures/git.ts';
import { serveGit } from '../../../fixtures/git-https.ts';
import { makePool, makeRemote, type PoolUnderTest } from '../pool-fixture.ts';
import { branch, type FlowDesk, makeFlowDesk } from './flow-fixture.ts';

const files = { 'a.txt': '1\n' };
/** A clock that does not wait. */
const hasty = { ...systemClock, sleep: async () => {} };

/** Makes a commit of a task that is ready to be pushed. */
async function work(desk: FlowDesk, text = 'done\n'): Promise<{ commit: string; ready: ReadyBranch }> {
  const ready = (await desk.prepare()) as ReadyBranch;
  write(desk.slot.path, { 'a.txt': text });
  return { commit: ((await desk.commit()) as CommitMade).commit, ready };
}

/** A desk on a bare repository. */
async function start(on: PoolUnderTest = makePool({ clock: hasty })) {
  const remote = makeRemote(makeRepository(files));
  const desk = await makeFlowDesk(remote, on);
  return { remote, desk, tip: () => git(remote, '--git-dir=.', 'rev-parse', '--verify', '--quiet', branch) };
}

describe('pushBranch', () => {
  test('puts the commit on the task’s branch, then another one; nothing of it is left in the slot', async () => {
    const { desk, tip } = await start();
    const one = await work(desk);
    expect(await desk.push({ commit: one.commit })).toEqual({ kind: 'pushed', commit: one.commit, branch });
    expect(tip()).toBe(one.commit);
    const two = await work(desk, 'more\n');
    expect(two.ready.remoteCommit).toBe(one.commit);
    expect(await desk.push({ commit: two.commit, remoteCommit: one.commit })).toMatchObject({
      kind: 'pushed',
    });
    expect(tip()).toBe(two.commit);
    expect(await desk.on.pool.release({ id: desk.slot.id })).toMatchObject({ kept: [] });
  });

  test('replaces its own branch after a rebase, and never one that somebody has moved', async () => {
    const { desk, remote, tip } = await start();
    const one = await work(desk);
    await desk.push({ commit: one.commit });
    const tree = git(remote, '--git-dir=.', 'rev-parse', 'main^{tree}');
    const theirs = git(remote, '--git-dir=.', 'commit-tree', tree, '-p', 'main', '-m', 'second');
    git(remote, '--git-dir=.', 'update-ref', 'refs/heads/main', theirs);
    const two = await work(desk, 'more\n');
    expect(git(remote, '--git-dir=.', 'cat-file', '-t', theirs)).toBe('commit');
    expect(await desk.push({ commit: two.commit, remoteCommit: two.ready.remoteCommit })).toMatchObject({
      kind: 'pushed',
    });
    expect(git(remote, '--git-dir=.', 'log', '--format=%s', branch)).toBe('Do it\nDo it\nsecond\nfirst');
    git(remote, '--git-dir=.', 'update-ref', `refs/heads/${branch}`, theirs);
    const refused = await desk.push({ commit: two.commit, remoteCommit: one.commit });
    expect(refused).toMatchObject({ kind: 'rejected', reason: expect.stringContaining('stale info') });
    expect(await desk.push({ commit: two.commit })).toMatchObject({ kind: 'rejected' });
    expect(tip()).toBe(theirs);
  });

  test('tells a rule of the repository from a refusal, with its words', async () => {
    const { desk, remote } = await start();
    const { commit } = await work(desk);
    const hook = join(remote, 'hooks/pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "GH006: Protected branch update failed" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const ruled = await desk.push({ commit });
    expect(ruled).toMatchObject({
      kind: 'protected',
      reason: expect.stringContaining('GH006: Protected branch'),
    });
    expect(desk.on.asked.filter((word) => word === 'push')).toHaveLength(1);
    writeFileSync(hook, '#!/bin/sh\nexit 0\n');
    // a file stands where the branch would have to be a folder
    git(remote, '--git-dir=.', 'update-ref', `refs/heads/${branch}/x`, 'main');
    expect(await desk.push({ commit })).toMatchObject({ kind: 'rejected' });
  });

  test.each([
    [
      '! [remote rejected] x -> main (protected branch hook declined)',
      'remote: error: GH006: Protected branch',
      'protected',
    ],
    [
      '! [remote rejected] x -> main (pre-receive hook declined)',
      'remote: GitLab: You are not allowed to push code',
      'protected',
    ],
    [
      '! [remote rejected] x -> main (push declined due to repository rule violations)',
      'remote: error: GH013',
      'protected',
    ],
    ['! [remote rejected] x -> main (denying non-fast-forward)', '', 'rejected'],
    ['! [rejected] x -> main (non-fast-forward)', '', 'rejected'],
  ])('understands %j', (line, stderr, kind) => {
    const [, summary = '', refs = '', why = ''] = /^! (\[.+?\]) (.+) (\(.+\))$/.exec(line) ?? [];
    const stdout = `To x\n!\t${refs.replace(' -> ', ':')}\t${summary} ${why}\nDone\n`;
    expect(readAnswer({ exitCode: 1, stdout, stderr })).toMatchObject({ kind });
  });
});

describe('a fault of the network', () => {
  test('is repeated, and a push whose answer was lost is told as what it is', async () => {
    let lost = 2;
    const on = makePool({
      clock: hasty,
      git: {
        run: async (call) => {
          if (!call.args.includes('push') || lost === 0) return runProcess(call);
          lost -= 1;
          // the second time it goes through, and nobody is told
          if (lost === 0) await runProcess(call);
          const stderr = 'fatal: unable to access: Recv failure: Connection reset by peer';
          return { exitCode: 128, signal: null, stdout: '', stderr, timedOut: false, truncated: false };
        },
      },
    });
    const { desk, tip } = await start(on);
    const { commit } = await work(desk);
    expect(await desk.push({ commit })).toEqual({ kind: 'pushed', commit, branch });
    expect(tip()).toBe(commit);
    expect(on.said).toContain('warn the push failed; it is tried again');
  });

  test('that stays is told after so many tries; a repository that is not there is tried once', async () => {
    const { desk } = await start();
    const { commit } = await work(desk);
    // nobody listens at this port
    const url = parseRepositoryUrl('https://127.0.0.1:1/x.git', { allowLocal: true });
    expect(await desk.push({ commit, url, retries: 2 })).toMatchObject({ kind: 'unreachable', attempts: 3 });
    const gone = parseRepositoryUrl('/no/such/repository', { allowLocal: true });
    expect(await desk.push({ commit, url: gone })).toMatchObject({ kind: 'unreachable', attempts: 1 });
  });
});

describe('credentials over https', () => {
  test('open the repository and are in no argument, file or message; wrong ones are told once', async () => {
    const token = 'ghp_the-token-of-the-test';
    const repository = makeRepository(files);
    const server = await serveGit({
      repository,
      path: 'acme/site',
      isLetIn: (user) => user === `x-access-token:${token}`,
    });
    const calls: string[] = [];
    try {
      let password = token;
      const on = makePool({
        clock: hasty,
        credentials: () => ({ username: 'x-access-token', password }),
        git: {
          environment: { PATH: process.env.PATH, GIT_SSL_CAINFO: server.certificate },
          credentials: 'inherit',
          run: (call) => {
            calls.push(JSON.stringify(call.args));
            return runProcess(call);
          },
        },
      });
      const desk = await makeFlowDesk(`${server.origin}/acme/site.git`, on);
      const url = () => ({
        ...parseRepositoryUrl(`${server.origin}/acme/site.git`, { allowLocal: false }),
        credentials: { username: 'x-access-token', password },
      });
      const ready = (await desk.prepare({ url: url() })) as ReadyBranch;
      write(desk.slot.path, { 'a.txt': 'done\n' });
      const { commit } = (await desk.commit()) as CommitMade;
      expect(await desk.push({ url: url(), commit, remoteCommit: ready.remoteCommit })).toMatchObject({
        kind: 'pushed',
      });
      password = 'ghp_a-wrong-one-for-the-test';
      const denied = await desk.push({ url: url(), commit, remoteCommit: commit });
      expect(denied.kind).toBe('denied');
      const found = await runProcess({
        ...{ command: 'grep', args: ['-rl', 'ghp_', on.directory, join(on.directory, '../git')], cwd: '/' },
        ...{ env: { PATH: process.env.PATH ?? '' }, timeoutMs: 20_000, maxOutputBytes: 10_000 },
      });
      expect(found.stdout).toBe('');
      expect(calls.join('') + on.said.join('') + JSON.stringify(denied)).not.toContain('ghp_');
      expect(server.given).toContain(`x-access-token:${token}`);
    } finally {
      server.close();
    }
  });
});
