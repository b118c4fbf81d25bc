import { copyFile, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Git, GitLimits } from './git.ts';
import { viewOf } from './git-view.ts';
import { readStatus, type WorkTreeStatus } from './work-tree.ts';

/** A look at a work tree, for reports. */
export interface Inspection extends WorkTreeStatus {
  /** `git diff --stat HEAD`, at most 64 KiB */
  readonly diffStat: string;
}

/**
 * Looks at any work tree without trusting it: its files and objects are read through a repository of our own in a
 * temporary directory, so that nothing which its configuration, hooks or attributes name is run, and nothing in it is
 * written.
 *
 * @returns null when the directory is not the root of a work tree
 * @throws {GitError}
 */
export async function inspectUntrusted(
  git: Git,
  call: GitLimits & { readonly directory: string },
): Promise<Inspection | null> {
  const source = join(call.directory, '.git');
  if (!(await lstat(source).catch(() => null))?.isDirectory()) return null;
  const scratch = await mkdtemp(join(tmpdir(), 'git-look-'));
  try {
    const head = await readHead(source);
    await makeView({ source, scratch, commit: head.commit });
    const view = viewOf(git, {
      GIT_DIR: scratch,
      GIT_WORK_TREE: call.directory,
      GIT_OBJECT_DIRECTORY: join(source, 'objects'),
    });
    const status = await readStatus(view, call);
    const args = [
      'diff',
      '--no-ext-diff',
      '--no-textconv',
      '--stat=100',
      '--ignore-submodules=dirty',
      'HEAD',
      '--',
    ];
    const diffStat =
      head.commit === null ? '' : (await view.local({ ...call, args, maxOutputBytes: 65_536 })).stdout;
    return { ...status, branch: head.branch, diffStat };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeView(view: { source: string; scratch: string; commit: string | null }): Promise<void> {
  const { source, scratch, commit } = view;
  const sha256 = commit?.length === 64;
  for (const name of ['objects', 'refs', 'info']) await mkdir(join(scratch, name));
  await writeFile(join(scratch, 'HEAD'), `${commit ?? 'ref: refs/heads/none'}\n`);
  await writeFile(
    join(scratch, 'config'),
    `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n\tbare = false\n${sha256 ? '[extensions]\n\tobjectformat = sha256\n' : ''}`,
  );
  await copyRegular(join(source, 'index'), join(scratch, 'index'));
  await copyRegular(join(source, 'info', 'exclude'), join(scratch, 'info', 'exclude'));
}

async function copyRegular(from: string, to: string): Promise<void> {
  if ((await lstat(from).catch(() => null))?.isFile()) await copyFile(from, to);
}

const idPattern = /^[0-9a-f]{40}$|^[0-9a-f]{64}$/;

/** What HEAD says, read as files. */
async function readHead(source: string): Promise<{ commit: string | null; branch: string | null }> {
  const head = await readSmall(join(source, 'HEAD'));
  if (idPattern.test(head)) return { commit: head, branch: null };
  const branch = /^ref: (refs\/heads\/[^\s]+)$/.exec(head)?.[1];
  if (branch === undefined || branch.split('/').includes('..')) return { commit: null, branch: null };
  const loose = await readSmall(join(source, branch));
  if (idPattern.test(loose)) return { commit: loose, branch };
  const packed = await readSmall(join(source, 'packed-refs'));
  const line = packed.split('\n').find((text) => text.endsWith(` ${branch}`));
  const id = line?.split(' ')[0] ?? '';
  return { commit: idPattern.test(id) ? id : null, branch };
}

async function readSmall(file: string): Promise<string> {
  if (!(await lstat(file).catch(() => null))?.isFile()) return '';
  return (await readFile(file, 'utf8')).trim();
}
