import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import type { RemoteRef } from '../../../pkg/git/remote.ts';
import type { RepositoryUrl } from '../../../pkg/git/repository-url.ts';
import { makeOwnGit } from '../fill.ts';
import { bringToMirror } from '../mirror.ts';
import { placeOfSlot } from '../places.ts';
import type { Slot } from '../pool.ts';
import { missing } from '../take-slot.ts';
import { type PoolParts, within } from '../work.ts';
import { slotTree, type WorkTree } from '../work-tree.ts';

/** The work tree of a task, with what the flow of its branch needs of the place where it is. */
export interface TaskTree extends WorkTree {
  /** Sees to it that a ref of the remote is here. @returns its commit @throws {GitError} */
  bring(
    limits: GitLimits,
    what: { readonly url: RepositoryUrl; readonly target: RemoteRef },
  ): Promise<string>;
  /** Shows whoever works in the tree where it stands: commit and branch of the `.git` there. */
  show(where: {
    readonly commit: string;
    readonly branch: string;
    readonly repositoryUrl: string;
  }): Promise<void>;
}

/** The tree of a slot that is held. @throws {NotFoundError} KERUTA_ERR_SLOT_NOT_FOUND */
export function taskTree(parts: PoolParts, slot: Pick<Slot, 'id'>): TaskTree {
  const place = placeOfSlot(parts.directory, slot.id);
  if (place === null) throw missing(slot.id);
  return {
    ...slotTree(parts.git, place),
    bring: ({ timeoutMs, signal }, { url, target }) =>
      within(parts, { what: 'the fetch', timeoutMs, signal }, (work) =>
        bringToMirror(work, { repository: place.repository, url, target }),
      ),
    show: (where) => makeOwnGit({ place, ...where }),
  };
}

/** A clone of a workspace as it is: its own index and HEAD, its own refs. Only of one whose configuration is trusted. */
export function plainTree(git: Git, directory: string): WorkTree {
  return { directory, git, keeper: git, keeperDirectory: directory };
}
