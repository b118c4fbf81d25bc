/**
 * Limits that the kernel keeps for some processes and all that they start: a control group of their own, of version 2 or 1, wherever this
 * process may make one.
 * @see the kernel's admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bootId, readProc } from './proc.ts';
import { identityOf, isAlive } from './process-identity.ts';

/** What processes may use together; null: no limit. */
export interface GroupLimits {
  /** swap included, where it is counted */
  readonly memoryBytes: number | null;
  /** processors, in parts */
  readonly cpus: number | null;
  /** processes and threads */
  readonly processes: number | null;
}

/** What the machine says about its groups. */
export interface GroupSight {
  /** text of /proc/self/cgroup */
  readonly own: string;
  /** text of /proc/self/mountinfo */
  readonly mounts: string;
}

type Controller = 'memory' | 'cpu' | 'pids';

/** A place in which groups can be made, and what is limited there. */
interface GroupPlace {
  readonly directory: string;
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
}

/** A length of time in which processors are given out; µs. The kernel's own default. */
const periodUs = 100_000;
/** Least of it that the kernel takes; µs. */
const leastQuotaUs = 1_000;

/**
 * Makes a group.
 * @param prefix  of its name: what stands behind it is made of this process
 * @returns its directories; null where this process may make none that limits all of that
 */
export function makeControlGroup(
  prefix: string,
  limits: GroupLimits,
  sight: GroupSight = lookAtGroups(),
): readonly string[] | null {
  const wanted = wantedOf(limits);
  const places = findPlaces(wanted, sight);
  if (places === null) return null;
  const name = nextName(prefix, places);
  const made: string[] = [];
  try {
    for (const place of places) {
      const directory = join(place.directory, name);
      mkdirSync(directory);
      made.push(directory);
      setLimits(directory, place, limits);
    }
    return made;
  } catch {
    removeControlGroup(made);
    return null;
  }
}

/** Whether a group with such limits could be made here. Makes one and removes it. */
export function canLimit(prefix: string, limits: GroupLimits): boolean {
  const made = makeControlGroup(prefix, limits);
  if (made !== null) removeControlGroup(made);
  return made !== null;
}

/** Removes a group in which nothing is alive any more; one that is not empty, or not there, is left alone. */
export function removeControlGroup(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      rmdirSync(directory);
    } catch {
      // somebody is still in it, or it is gone
    }
  }
}

/** Removes groups that processes left which are not alive any more, as far as they are empty. @param directories  of any group of ours */
export function removeAbandonedGroups(prefix: string, directories: readonly string[]): void {
  for (const place of new Set(directories.map((directory) => dirname(directory)))) {
    for (const name of namesIn(place)) {
      const [, pid, startTicks] = name.startsWith(prefix) ? (/-(\d+)-(\d+)-\d+$/.exec(name) ?? []) : [];
      const owner = { pid: Number(pid), startTicks: Number(startTicks) || null, bootId: bootId() ?? '' };
      if (pid !== undefined && !isAlive(owner)) removeControlGroup([join(place, name)]);
    }
  }
}

/** Who is in a group now; pids. */
export function processesIn(directories: readonly string[]): readonly number[] {
  return (read(join(directories[0] ?? '', 'cgroup.procs')) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

/** How often the kernel killed a process of a group for want of memory; null when it is not counted. */
export function oomKillsIn(directories: readonly string[]): number | null {
  const texts = directories.flatMap((directory) =>
    ['memory.events', 'memory.oom_control'].map((name) => read(join(directory, name))),
  );
  const counts = texts.flatMap((text) => /^oom_kill (\d+)$/m.exec(text ?? '')?.[1] ?? []);
  return counts.length === 0 ? null : Number(counts[0]);
}

/** What the machine says. */
export function lookAtGroups(): GroupSight {
  return { own: readProc('self/cgroup') ?? '', mounts: readProc('self/mountinfo') ?? '' };
}

function wantedOf({ memoryBytes, cpus, processes }: GroupLimits): readonly Controller[] {
  return [
    ...(memoryBytes === null ? [] : ['memory' as const]),
    ...(cpus === null ? [] : ['cpu' as const]),
    ...(processes === null ? [] : ['pids' as const]),
  ];
}

function findPlaces(wanted: readonly Controller[], sight: GroupSight): readonly GroupPlace[] | null {
  const left = new Set(wanted);
  const places: GroupPlace[] = [];
  for (const place of [...oldPlaces(sight), ...newPlaces(sight, wanted)]) {
    const controllers = place.controllers.filter((one) => left.has(one));
    if (controllers.length === 0 || !mayMakeIn(place.directory)) continue;
    places.push({ ...place, controllers });
    for (const one of controllers) left.delete(one);
  }
  return left.size === 0 ? places : null;
}

/** Version 1: one hierarchy for each controller, or for a few. */
function oldPlaces({ own, mounts }: GroupSight): readonly GroupPlace[] {
  return mounts.split('\n').flatMap((line) => {
    const [, root = '', point = '', options = ''] =
      / (\/\S*) (\/\S*) .* - cgroup \S+ (\S+)$/.exec(line) ?? [];
    const controllers = (['memory', 'cpu', 'pids'] as const).filter((one) =>
      options.split(',').includes(one),
    );
    const [first] = controllers;
    if (first === undefined) return [];
    const path = own.split('\n').find((one) => (one.split(':')[1] ?? '').split(',').includes(first));
    const directory = placeOf({ root, point, path: path?.split(':')[2] ?? '/' });
    return [{ directory, version: 1 as const, controllers }];
  });
}

/** Version 2: below the own group where that hands on controllers, else beside it. */
function newPlaces({ own, mounts }: GroupSight, wanted: readonly Controller[]): readonly GroupPlace[] {
  const path = /^0::(\/.*)$/m.exec(own)?.[1];
  const [, root = '', point = ''] =
    mounts
      .split('\n')
      .map((line) => / (\/\S*) (\/\S*) .* - cgroup2 /.exec(line))
      .find((found) => found !== null) ?? [];
  if (path === undefined || point === '') return [];
  const directory = placeOf({ root, point, path });
  const around = directory === point ? [directory] : [directory, dirname(directory)];
  return around.map((one) => ({ directory: one, version: 2 as const, controllers: handedOn(one, wanted) }));
}

function placeOf({
  root,
  point,
  path,
}: {
  readonly root: string;
  readonly point: string;
  readonly path: string;
}): string {
  const below = root !== '/' && path.startsWith(root) ? path.slice(root.length) : path;
  const directory = join(point, below).replace(/(.)\/$/, '$1');
  // in a container the path may be one of outside, and its own group stands at the top
  return existsSync(directory) ? directory : point;
}

/** The controllers that groups below a group have; those that are wanted are switched on where that is allowed. */
function handedOn(directory: string, wanted: readonly Controller[]): readonly Controller[] {
  const file = join(directory, 'cgroup.subtree_control');
  const now = () => (read(file) ?? '').trim().split(' ');
  for (const one of wanted.filter((controller) => !now().includes(controller))) {
    try {
      writeFileSync(file, `+${one}`);
    } catch {
      // not handed on to this group, or it has processes of its own
    }
  }
  const on = now();
  return wanted.filter((one) => on.includes(one));
}

function mayMakeIn(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    accessSync(join(directory, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its end tells whose it is, so that what a dead process left is known. */
function nextName(prefix: string, places: readonly GroupPlace[]): string {
  const { pid, startTicks } = identityOf(process.pid) ?? { pid: process.pid, startTicks: 0 };
  for (let count = 1; ; count++) {
    const name = `${prefix}-${pid}-${startTicks ?? 0}-${count}`;
    if (!places.some(({ directory }) => existsSync(join(directory, name)))) return name;
  }
}

function setLimits(directory: string, { version, controllers }: GroupPlace, limits: GroupLimits): void {
  const put = (name: string, value: string | number) => writeFileSync(join(directory, name), String(value));
  const { memoryBytes, cpus, processes } = limits;
  if (controllers.includes('memory') && memoryBytes !== null) {
    put(version === 2 ? 'memory.max' : 'memory.limit_in_bytes', memoryBytes);
    // a machine without swap, or that does not count it, has no such file
    const swap = join(directory, version === 2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes');
    if (existsSync(swap)) writeFileSync(swap, version === 2 ? '0' : String(memoryBytes));
  }
  if (controllers.includes('cpu') && cpus !== null) {
    const quotaUs = Math.max(leastQuotaUs, Math.round(cpus * periodUs));
    if (version === 2) put('cpu.max', `${quotaUs} ${periodUs}`);
    else put('cpu.cfs_quota_us', quotaUs);
  }
  if (controllers.includes('pids') && processes !== null) put('pids.max', processes);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => basename(name));
  } catch {
    return [];
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
