/** Keeps commits that somebody made with the `.git` of a slot: branches, tags, stashes, a detached HEAD. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from '../../pkg/git/git-error.ts';
import { viewOf } from '../../pkg/git/git-view.ts';
import { removeStaleLocks } from '../../pkg/git/locks.ts';
import { inspectPlace, readMarker, tidyClone } from '../../pkg/git/own-clone.ts';
import { resolveCommit } from '../../pkg/git/work-tree.ts';
import { cloneMarker } from '../domain/git-names.ts';
import { ownCloneOf } from './fill.ts';
import type { SlotPlace } from './places.ts';
import { limitsOf, type Work } from './work.ts';
import { slotTree } from './work-tree.ts';

/** A slot's own repository, and what is known already. */
export interface OwnRefsWish {
  readonly place: SlotPlace;
  readonly base: string | null;
  /** of the refs that keep; with a slash at its end */
  readonly prefix: string;
  /** where the pool's own side stands */
  readonly head: string | null;
}

interface Tip {
  /** below the prefix */
  readonly name: string;
  readonly commit: string;
}

/** Most tips that are looked at one by one. */
const maxTips = 1_000;

/**
 * Copies into the mirror what the slot's own repository has and the mirror has not.
 * @throws {GitError} also when that repository is none of ours any more
 */
export async function keepOwnRefs(
  work: Work,
  wish: OwnRefsWish,
): Promise<readonly { readonly ref: string; readonly commit: string }[]> {
  const { place, prefix } = wish;
  if ((await lstat(join(place.path, '.git')).catch(() => null)) === null) return [];
  if ((await inspectPlace(place.path, cloneMarker)) !== 'own')
    throw new GitError('failed', `${place.path}/.git is not the one that was made there`);
  const marker = await readMarker(place.path, cloneMarker);
  const about = { repositoryUrl: marker?.url ?? '', isSha256: marker?.objectFormat === 'sha256' };
  await tidyClone(ownCloneOf(place, about));
  await removeStaleLocks(place.path);
  const tips = await localTips(work, wish);
  if (tips.length === 0) return [];
  const { keeper, keeperDirectory } = slotTree(work.parts.git, place);
  const kept = tips.map(({ name, commit }) => ({ ref: `${prefix}${name}`, commit }));
  await keeper.local({
    ...limitsOf(work),
    directory: keeperDirectory,
    // a path of ours, whatever addresses are allowed elsewhere
    env: { GIT_ALLOW_PROTOCOL: 'file' },
    args: [
      ...['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'],
      ...['--end-of-options', place.path, ...kept.map(({ ref, commit }) => `+${commit}:${ref}`)],
    ],
  });
  return kept;
}

async function localTips(work: Work, wish: OwnRefsWish): Promise<readonly Tip[]> {
  const seen = new Set<string>([wish.base ?? '', wish.head ?? '']);
  const tips: Tip[] = [];
  for (const tip of await allTips(work, wish.place)) {
    if (seen.has(tip.commit)) continue;
    seen.add(tip.commit);
    if (!(await isPublished(work, wish.place, { ...tip, base: wish.base }))) tips.push(tip);
  }
  return withoutSameFiles(work, wish, tips);
}

async function allTips(work: Work, { path }: SlotPlace): Promise<readonly Tip[]> {
  // named, so that git looks for none above when this one is broken
  const git = viewOf(work.parts.git, { GIT_DIR: join(path, '.git'), GIT_WORK_TREE: path });
  const call = { ...limitsOf(work), directory: path };
  const format = '--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)';
  const { stdout } = await git.local({ ...call, args: ['for-each-ref', `--count=${maxTips}`, format] });
  const tips = stdout.split('\n').flatMap((line): Tip[] => {
    const [ref = '', type, id = '', peeledType, peeled = ''] = line.split(' ');
    if (/^refs\/(remotes|stash$)/.test(ref)) return [];
    const name = ref.replace(/^refs\//, '');
    if (type === 'commit') return [{ name, commit: id }];
    return peeledType === 'commit' ? [{ name, commit: peeled }] : [];
  });
  // a stash is more than its newest entry
  const args = ['log', '--walk-reflogs', '--format=%H', `--max-count=${maxTips}`, 'refs/stash', '--'];
  const stashes = await git.local({ ...call, args, okExits: [0, 128] });
  const entries = stashes.exitCode === 0 ? stashes.stdout.split('\n').filter((id) => id !== '') : [];
  tips.push(...entries.map((commit, index) => ({ name: `stash-${index}`, commit })));
  const head = await resolveCommit(git, { ...call, name: 'HEAD' });
  if (head !== null) return [...tips, { name: 'HEAD', commit: head }];
  const named = await git.local({
    ...call,
    args: ['rev-parse', '--verify', '--quiet', 'HEAD'],
    okExits: [0, 1, 128],
  });
  if (named.stdout.trim() === '') return tips;
  throw new GitError('damaged', `${path}/.git does not have the commit at which it stands`);
}

/** Commits whose files are those of the pool's own HEAD: it was made of them, and is kept, or published, itself. */
async function withoutSameFiles(
  work: Work,
  wish: OwnRefsWish,
  tips: readonly Tip[],
): Promise<readonly Tip[]> {
  if (tips.length === 0 || wish.head === null) return tips;
  const { place, head } = wish;
  const ids = [head, ...tips.map(({ commit }) => commit)];
  const args = ['log', '--no-walk=unsorted', '--format=%H %T', ...ids, '--'];
  const { stdout } = await seeingBoth(work, place)({ args });
  const trees = new Map(stdout.split('\n').map((line) => line.split(' ') as [string, string]));
  return tips.filter(({ commit }) => trees.get(commit) !== trees.get(head));
}

/** Whether a commit of a slot is in the mirror with a ref that leads to it, or is where the slot was brought. */
export async function isPublished(
  work: Work,
  place: SlotPlace,
  { commit, base }: { readonly commit: string; readonly base: string | null },
): Promise<boolean> {
  const known = base === null ? [] : [base];
  const args = ['rev-list', '--max-count=1', commit, '--not', ...known, '--glob=refs/*', '--'];
  return (await seeingBoth(work, place)({ args })).stdout.trim() === '';
}

/** git in the mirror, which sees the objects of the slot's own repository too. */
function seeingBoth(work: Work, place: SlotPlace) {
  const { keeper, keeperDirectory } = slotTree(work.parts.git, place);
  const own = join(place.path, '.git', 'objects');
  const git = viewOf(keeper, { GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(own) });
  return (call: { readonly args: readonly string[] }) =>
    git.local({ ...limitsOf(work), directory: keeperDirectory, ...call });
}

/** In the list of alternates a colon divides, unless the path is quoted. @see git(1) */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}
