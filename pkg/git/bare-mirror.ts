/** Bare repositories that have every branch and tag of a remote, for others to borrow from. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git, GitLimits } from './git.ts';
import { viewOf } from './git-view.ts';
import { gitAfter, keepConfig } from './kept-config.ts';
import type { ObjectFormat } from './own-clone.ts';
import type { RepositoryUrl } from './repository-url.ts';

/** Makes an empty bare repository; needs no git process. */
export async function createBare(directory: string, objectFormat: ObjectFormat): Promise<void> {
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
    await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'config'), configOf(objectFormat === 'sha256'));
  await writeFile(join(directory, 'HEAD'), 'ref: refs/heads/none\n');
}

const configOf = (isSha256: boolean) =>
  `[core]\n\trepositoryformatversion = ${isSha256 ? 1 : 0}\n\tbare = true\n${isSha256 ? '[extensions]\n\tobjectformat = sha256\n' : ''}`;

/** git in a bare repository that `createBare` made: its configuration is that again, whatever was done to it. */
export function bareGit(git: Git, directory: string): Git {
  return gitAfter(viewOf(git, { GIT_DIR: directory }), () => keepConfig(directory, configOf));
}

/**
 * Brings every branch and tag of a remote; those that are gone there are removed, other refs stay, and so do all objects.
 * @throws {GitError}
 */
export async function fetchMirror(
  git: Git,
  call: GitLimits & { readonly directory: string; readonly url: RepositoryUrl },
): Promise<void> {
  const options = [
    '--quiet',
    '--prune',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--end-of-options',
  ];
  await bareGit(git, call.directory).remote({
    ...call,
    args: ['fetch', ...options, call.url.url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'],
    fallback: 'failed',
  });
}

/**
 * Whether a bare repository has a commit with all that belongs to it: a ref leads to it. Objects alone may be the first half
 * of a fetch that was broken off.
 * @param call.name  full name of a ref that must stand there; `''` when any ref will do
 */
export async function hasCommit(
  git: Git,
  call: GitLimits & { readonly directory: string; readonly name: string; readonly id: string },
): Promise<boolean> {
  const bare = bareGit(git, call.directory);
  if (call.name !== '') {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', call.name];
    const answer = await bare.local({ ...call, args, okExits: [0, 1, 128] });
    return answer.stdout.trim() === call.id;
  }
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', `--contains=${call.id}`];
  const answer = await bare.local({ ...call, args, okExits: [0, 1, 128, 129] });
  return answer.exitCode === 0 && answer.stdout.trim() !== '';
}
