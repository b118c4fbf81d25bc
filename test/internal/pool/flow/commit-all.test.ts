import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkIndex } from '../../../../internal/commit-gate/check-index.ts';
import type { CommitMade } from '../../../../internal/pool/flow/commit-all.ts';
import { diffOf } from '../../../../internal/pool/flow/commit-all.ts';
import { commit, git, makeRepository, temporaryDirectory, write } from '../../../fixtures/git.ts';
import { fileAt } from '../pool-fixture.ts';
import { makeFlowDesk, taskId } from './flow-fixture.ts';

const files = { 'a.txt': '1\n2\n3\n', 'b.txt': 'b\n', '.gitignore': 'build/\n' };

/** A desk whose branch is ready, and a commit on it. */
async function desk() {
  const remote = makeRepository(files);
  const made = await makeFlowDesk(remote);
  await made.prepare();
  return made;
}
const mirrorOf = (of: Awaited<ReturnType<typeof desk>>) => of.slot.mirrorPath;

describe('commitAll', () => {
  test('makes one commit of changed, new and removed files, in the name that was chosen, with the task’s trailer', async () => {
    const on = await desk();
    write(on.slot.path, {
      'a.txt': '1\n2\n4\n',
      'new/c.txt': 'c\n',
      'build/x': 'ignored',
      '.keruta/doc/x': 'artifact',
    });
    rmSync(join(on.slot.path, 'b.txt'));
    const made = await on.commit();
    expect(made).toMatchObject({ kind: 'committed', files: 3, insertions: 2, deletions: 2, leftOut: [] });
    const { commit: id } = made as CommitMade;
    const show = (format: string) => git(mirrorOf(on), '--git-dir=.', 'log', '-1', `--format=${format}`, id);
    expect(show('%an <%ae> %cn %P %s')).toBe(`Robot <robot@example.org> Robot ${on.slot.commit} Do it`);
    expect(show('%(trailers:key=Keruta-Task,valueonly)')).toBe(taskId);
    expect(git(mirrorOf(on), '--git-dir=.', 'diff', '--name-status', on.slot.commit, id)).toBe(
      'M\ta.txt\nD\tb.txt\nA\tnew/c.txt',
    );
    expect(git(mirrorOf(on), '--git-dir=.', 'rev-parse', `refs/keruta/${taskId}/after`)).toBe(id);
    expect(await on.commit()).toEqual({ kind: 'nothing', commit: id, leftOut: [] });
    const call = { tree: on.tree, taskId, timeoutMs: 10_000, maxBytes: 10_000 };
    expect(await diffOf(call, on.slot.commit, id)).toContain('-3\n+4\n');
    await expect(diffOf({ ...call, maxBytes: 20 }, on.slot.commit, id)).rejects.toThrow(/more than 20 bytes/);
    // it is kept for the task: there is nothing else to keep when the slot is returned
    expect((await on.on.pool.release({ id: on.slot.id })).kept).toEqual([]);
  });

  test('takes the files, whatever was done to the slot’s own .git: commits, another branch, nothing left of it', async () => {
    for (const change of [
      (path: string) => void commit(path, {}, 'the agent commits by itself'),
      (path: string) => void git(path, 'checkout', '--quiet', '-b', 'elsewhere'),
      (path: string) => rmSync(join(path, '.git'), { recursive: true }),
      (path: string) => writeFileSync(join(path, '.git/index'), 'torn'),
    ]) {
      const on = await desk();
      write(on.slot.path, { 'a.txt': 'done\n' });
      change(on.slot.path);
      const made = await on.commit();
      expect(made).toMatchObject({ kind: 'committed', files: 1 });
      expect(fileAt(mirrorOf(on), (made as CommitMade).commit, 'a.txt')).toBe('done\n');
    }
  });

  test('commits nothing that the gate finds fault with, and leaves the files as they are', async () => {
    const on = await desk();
    write(on.slot.path, { 'a.txt': 'token=super-secret-value\n', '.env': 'X=1\n' });
    const held = await on.commit({
      gate: async ({ git: view, directory }) => {
        const secrets = [{ name: 'TOKEN', value: 'super-secret-value' }];
        const found = await checkIndex(view, {
          directory,
          secrets,
          maxFileBytes: 1_000_000,
          timeoutMs: 20_000,
        });
        return found.map(({ file, reason }) => `${file} ${reason}`);
      },
    });
    expect(held).toEqual({ kind: 'held-back', findings: ['.env forbidden-name', 'a.txt secret'] });
    expect(readFileSync(join(on.slot.path, '.env'), 'utf8')).toBe('X=1\n');
    const status = await on.tree.git.local({
      directory: on.slot.path,
      timeoutMs: 10_000,
      args: ['status', '--porcelain'],
    });
    expect(status.stdout).toBe(' M a.txt\n?? .env\n');
    rmSync(join(on.slot.path, '.env'));
    write(on.slot.path, { 'a.txt': 'token from the environment\n' });
    expect(await on.commit()).toMatchObject({ kind: 'committed' });
  });

  test('leaves repositories within the tree out, and says so', async () => {
    const on = await desk();
    const inner = join(on.slot.path, 'vendor/inner');
    write(inner, { 'x.txt': 'x\n' });
    git(inner, 'init', '--quiet');
    commit(inner, {}, 'inner');
    expect(await on.commit()).toMatchObject({ kind: 'nothing', leftOut: ['vendor/inner'] });
    write(on.slot.path, { 'a.txt': 'x\n' });
    expect(await on.commit()).toMatchObject({ kind: 'committed', files: 1, leftOut: ['vendor/inner'] });
  });

  test('runs nothing that configuration, attributes or hooks in the slot name', async () => {
    const on = await desk();
    const place = temporaryDirectory('evil');
    const [leak, evil] = [join(place, 'leak'), join(place, 'evil.sh')];
    writeFileSync(evil, `#!/bin/sh\necho ran >> ${leak}\ncat\n`, { mode: 0o755 });
    for (const name of ['core.fsmonitor', 'filter.evil.clean', 'gpg.program', 'core.editor'])
      git(on.slot.path, 'config', name, evil);
    write(on.slot.path, { '.gitattributes': '* filter=evil\n', 'a.txt': 'x\n' });
    for (const hook of ['pre-commit', 'commit-msg', 'post-commit', 'reference-transaction'])
      execFileSync('cp', [evil, join(on.slot.path, '.git/hooks', hook)]);
    const inner = join(on.slot.path, 'inner');
    write(inner, { x: 'x' });
    git(inner, 'init', '--quiet');
    commit(inner, {}, 'inner');
    git(inner, 'config', 'core.fsmonitor', evil);
    expect(await on.commit()).toMatchObject({ kind: 'committed', leftOut: ['inner'] });
    expect(() => readFileSync(leak)).toThrow(/ENOENT/);
  });

  test('signs with an ssh key when one is named', async () => {
    const on = await desk();
    const key = join(temporaryDirectory('key'), 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'robot', '-f', key]);
    write(on.slot.path, { 'a.txt': 'x\n' });
    const author = { name: 'Robot', email: 'robot@example.org' };
    const made = await on.commit({ identity: { author, signing: { format: 'ssh', key } } });
    const text = git(mirrorOf(on), '--git-dir=.', 'cat-file', 'commit', (made as CommitMade).commit);
    expect(text).toContain('gpgsig -----BEGIN SSH SIGNATURE-----');
    write(on.slot.path, { 'a.txt': 'y\n' });
    const without = { author, signing: { format: 'ssh', key: `${key}.no` } } as const;
    await expect(on.commit({ identity: without })).rejects.toMatchObject({ code: 'KERUTA_ERR_GIT' });
  });

  test('goes on from what the branch held', async () => {
    const on = await desk();
    write(on.slot.path, { 'a.txt': 'x\n' });
    const first = await on.commit();
    write(on.slot.path, { 'a.txt': 'y\n' });
    const second = await on.commit();
    const log = git(mirrorOf(on), '--git-dir=.', 'log', '--format=%H', '-3', (second as CommitMade).commit);
    expect(log.split('\n')).toEqual([
      (second as CommitMade).commit,
      (first as CommitMade).commit,
      on.slot.commit,
    ]);
  });
});
