/** Limits for programs that are run here, one after the other or together: kept by the kernel where that is possible, else watched. */
import {
  canLimit,
  makeControlGroup,
  oomKillsIn,
  removeAbandonedGroups,
  removeControlGroup,
} from './control-group.ts';
import { enterWords } from './enter.ts';

/** What a program is started with. */
export interface Confined {
  /** words before its command; they become it */
  readonly through: readonly string[];
  /** most memory of it and all that it started; null = no limit */
  readonly memoryBytes: number | null;
  /** whether nobody but us sees to that: it is to be measured now and then */
  readonly isWatched: boolean;
  /** how often the kernel ended one of them for want of memory; null = it does not count */
  readonly oomKills: () => number | null;
}

/** What is said of a program for which memory ran out, behind its name. */
export function memoryText(confined: Confined | undefined): string {
  const { memoryBytes = null } = confined ?? {};
  const limit =
    memoryBytes === null
      ? ''
      : `: it may have ${Math.round(memoryBytes / 1024 ** 2)} MB with all that it starts`;
  return `memory ran out${limit}`;
}

/** Limits that hold as long as they are not let go of. */
export interface Confinement {
  readonly confined: Confined;
  /** who keeps each limit; `nobody`: it cannot be kept here; null = none was asked for */
  readonly memory: 'kernel' | 'watched' | null;
  readonly cpu: 'kernel' | 'nobody' | null;
  /** Lets go of them; nothing may be alive that was started with them. */
  readonly close: () => void;
}

/**
 * Makes them.
 * @param prefix  of names of control groups
 * @param wish.cpus  processors, in parts; null = no limit, as for memory
 */
export function confine(
  prefix: string,
  wish: { readonly memoryBytes: number | null; readonly cpus: number | null },
): Confinement {
  const { memoryBytes, cpus } = wish;
  const none = { memoryBytes: null, cpus: null, processes: null };
  const canMemory = memoryBytes !== null && canLimit(prefix, { ...none, memoryBytes });
  const canCpu = cpus !== null && canLimit(prefix, { ...none, cpus });
  const kept = { ...none, memoryBytes: canMemory ? memoryBytes : null, cpus: canCpu ? cpus : null };
  const groups = (canMemory || canCpu ? makeControlGroup(prefix, kept) : null) ?? [];
  removeAbandonedGroups(prefix, groups);
  const isKept = groups.length > 0;
  return {
    confined: {
      through: enterWords({ groups, maxFiles: null }),
      memoryBytes,
      isWatched: memoryBytes !== null && !(isKept && canMemory),
      oomKills: () => oomKillsIn(groups),
    },
    memory: memoryBytes === null ? null : isKept && canMemory ? 'kernel' : 'watched',
    cpu: cpus === null ? null : isKept && canCpu ? 'kernel' : 'nobody',
    close: () => removeControlGroup(groups),
  };
}
