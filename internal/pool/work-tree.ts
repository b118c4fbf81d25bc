import { existsSync } from 'node:fs';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceText } from '../../pkg/files/replace-text.ts';
import { bareGit } from '../../pkg/git/bare-mirror.ts';
import type { Git, GitLimits } from '../../pkg/git/git.ts';
import { GitError } from '../../pkg/git/git-error.ts';
import { viewOf } from '../../pkg/git/git-view.ts';
import { gitAfter, keepConfig } from '../../pkg/git/kept-config.ts';
import { excludedPatterns } from '../domain/git-names.ts';
import type { SlotPlace } from './places.ts';
import { objectsOf } from './work.ts';

/**
 * A work tree with an index and a HEAD of our own: whatever is done to the `.git` that stands in it, calls of `git` see the
 * files as they are, and our own idea of what they were.
 */
export interface WorkTree {
  /** absolute */
  readonly directory: string;
  /** works on the tree; HEAD is detached */
  readonly git: Git;
  /** where refs are that outlive the tree; run it in `keeperDirectory` */
  readonly keeper: Git;
  readonly keeperDirectory: string;
  /** the branch that people see there, where that is another than `git` has; full name, null = detached */
  readonly seenBranch?: (limits: GitLimits) => Promise<string | null>;
}

/**
 * The work tree of a slot. Before each call it is made sure of that whoever worked there has changed neither the place nor our own side
 * of it: an address that leads elsewhere would get what is pushed.
 */
export function slotTree(git: Git, place: SlotPlace): WorkTree {
  const { mirror } = place.repository;
  const view = viewOf(git, {
    GIT_DIR: place.gitDirectory,
    GIT_WORK_TREE: place.path,
    GIT_OBJECT_DIRECTORY: objectsOf(mirror),
  });
  return {
    directory: place.path,
    git: gitAfter(view, async () => {
      await refuseLink(place.path);
      await keepConfig(place.gitDirectory, configOf);
    }),
    keeper: bareGit(git, mirror),
    keeperDirectory: mirror,
  };
}

/** @throws {GitError} something else is in the place of a slot */
async function refuseLink(directory: string): Promise<void> {
  const found = await lstat(directory).catch(() => null);
  if (found === null || found.isDirectory()) return;
  throw new GitError('refused', `${directory} is no directory any more: something else was put in its place`);
}

/** Makes our own side of a work tree, or makes it right again; index and HEAD stay. @param gitDirectory  absolute */
export async function makeGitDirectory(gitDirectory: string, isSha256: boolean): Promise<void> {
  for (const name of ['refs', 'rebase-merge', 'rebase-apply', 'sequencer'])
    await rm(join(gitDirectory, name), { recursive: true, force: true });
  for (const name of ['objects', 'refs/heads', 'info'])
    await mkdir(join(gitDirectory, name), { recursive: true, mode: 0o700 });
  await writeFile(join(gitDirectory, 'config'), configOf(isSha256));
  await writeFile(
    join(gitDirectory, 'info', 'exclude'),
    excludedPatterns.map((pattern) => `${pattern}\n`).join(''),
  );
  // last: without it git takes the directory for none
  const head = join(gitDirectory, 'HEAD');
  if (!existsSync(head)) replaceText(head, 'ref: refs/heads/none\n');
}

/** The configuration of our own side of a work tree. */
export function configOf(isSha256: boolean): string {
  return `[core]
\trepositoryformatversion = ${isSha256 ? 1 : 0}
\tfilemode = true
\tbare = false
\tlogallrefupdates = false
[checkout]
\tworkers = 0
${isSha256 ? '[extensions]\n\tobjectformat = sha256\n' : ''}`;
}
