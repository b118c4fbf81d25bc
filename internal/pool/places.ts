import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { repositoryIdentity, repositoryName } from '../../pkg/git/repository-name.ts';

/** Where one repository's mirror and slots are; all absolute. */
export interface RepositoryPlace {
  /** names it: `<name>-<hash of the address>` */
  readonly name: string;
  readonly directory: string;
  readonly mirror: string;
  /** held for the moment in which a slot is chosen */
  readonly stateLock: string;
  /** held while the mirror is fetched */
  readonly mirrorLock: string;
  /** work trees that git could not take */
  readonly kept: string;
}

/** Where one slot is; all absolute. */
export interface SlotPlace {
  readonly id: string;
  readonly number: number;
  readonly repository: RepositoryPlace;
  /** the work tree that is handed out */
  readonly path: string;
  /** index and HEAD of the pool's own */
  readonly gitDirectory: string;
  readonly record: string;
}

const idPattern = /^([A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{12})-([1-9][0-9]{0,3})$/;
const recordPattern = /^slot-([1-9][0-9]{0,3})\.json$/;

/** The place of a repository, the same for all spellings of its address. @param root  of the pool; absolute */
export function placeOf(root: string, url: string): RepositoryPlace {
  const hash = createHash('sha256').update(repositoryIdentity(url)).digest('hex').slice(0, 12);
  return placeNamed(root, `${repositoryName(url).slice(0, 60)}-${hash}`);
}

/** The place of that name. @param name  of a directory of the pool */
export function placeNamed(root: string, name: string): RepositoryPlace {
  const directory = join(root, name);
  return {
    name,
    directory,
    mirror: join(directory, 'mirror.git'),
    stateLock: join(directory, 'state'),
    mirrorLock: join(directory, 'mirror'),
    kept: join(directory, 'kept'),
  };
}

/** The slot with that number; it need not be there. */
export function slotPlace(repository: RepositoryPlace, number: number): SlotPlace {
  const path = join(repository.directory, `slot-${number}`);
  return {
    id: `${repository.name}-${number}`,
    number,
    repository,
    path,
    gitDirectory: `${path}.git`,
    record: `${path}.json`,
  };
}

/** The place that a slot's id names; null when it is none. */
export function placeOfSlot(root: string, id: string): SlotPlace | null {
  const match = idPattern.exec(id);
  return match === null ? null : slotPlace(placeNamed(root, match[1] ?? ''), Number(match[2]));
}

/** The number in the name of a slot's record; null when it is another file. */
export function slotNumber(file: string): number | null {
  const match = recordPattern.exec(file);
  return match === null ? null : Number(match[1]);
}
