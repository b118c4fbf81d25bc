/** What processes the machine has, looked at once for all who ask at about the same time. */
import type { Clock } from '../clock/clock.ts';
import {
  descriptorKey,
  isDead,
  listPids,
  type ProcessStat,
  readEnvironmentEntries,
  readStat,
  ticksPerSecond,
} from './proc.ts';

/** Looking takes at most this part of the time of those who take an old look. */
const maxShare = 0.02;
/** A process is still becoming what it was started as; ms. */
const youngMs = 5_000;

/**
 * Processes as they were at a moment; neither the first nor this one. What is asked for is found at once, however many there are;
 * what has to be read for it is read of those alone that began at `since` or later (clock ticks since boot), once.
 */
export interface ProcessLook {
  /** the youngest first */
  readonly stats: readonly ProcessStat[];
  withPid(pid: number): readonly ProcessStat[];
  inSession(session: number): readonly ProcessStat[];
  childrenOf(pid: number): readonly ProcessStat[];
  /** Those that were started with this entry (`NAME=value`) in their environment; older ones may be among them. */
  withEntry(entry: string, since: number): readonly ProcessStat[];
  /** Those that have this file as stdin, stdout or stderr; older ones may be among them. @see descriptorKey */
  withStream(key: string, since: number): readonly ProcessStat[];
}

/** A look at a machine with many processes takes ms, and a hundred runs ask for it. */
export interface ProcessTable {
  /**
   * Every process; none where there is no /proc.
   * @param maxAgeMs  how old the look may be; 0 = look now. An older one is given while looks take too much time
   * @param since  and not from before this moment of the clock (monotonic ms), if that does not take too much
   */
  look(maxAgeMs: number, since?: number): ProcessLook;
}

const tables = new WeakMap<Clock, ProcessTable>();

/** The table of this process: one for each clock. */
export function processTable(clock: Clock): ProcessTable {
  const table = tables.get(clock) ?? new Table(clock);
  tables.set(clock, table);
  return table;
}

/** Looks at some processes alone, now. */
export function lookAt(pids: readonly number[]): ProcessLook {
  return new Look(pids, ({ pid }, name) => readEnvironmentEntries(pid, name));
}

/** Those that are alive and not older than a moment. @param startTicks  clock ticks since boot */
export function livingOf(startTicks: number, stats: readonly ProcessStat[]): readonly ProcessStat[] {
  return stats.filter((stat) => stat.startTicks >= startTicks && !isDead(stat));
}

/** Some processes, and all that came from them; the oldest first, so that none learns of its child's death before its own. */
export function withDescendants(
  roots: readonly ProcessStat[],
  childrenOf: (pid: number) => readonly ProcessStat[],
): readonly ProcessStat[] {
  const found = new Map(roots.map((stat) => [stat.pid, stat]));
  // what is put in while it goes through them is gone through too
  for (const pid of found.keys()) for (const child of childrenOf(pid)) found.set(child.pid, child);
  return [...found.values()].sort((one, other) => one.startTicks - other.startTicks || one.pid - other.pid);
}

type EntriesOf = (stat: ProcessStat, name: string) => readonly string[];

/** Processes by what they are: of so many, the youngest, it is known. */
interface Group {
  readonly found: Map<unknown, ProcessStat[]>;
  count: number;
}

class Look implements ProcessLook {
  readonly stats: readonly ProcessStat[];
  readonly #entriesOf: EntriesOf;
  readonly #groups = new Map<string, Group>();

  constructor(pids: readonly number[], entriesOf: EntriesOf) {
    this.#entriesOf = entriesOf;
    this.stats = pids
      .filter((pid) => pid > 1 && pid !== process.pid)
      .map(readStat)
      .filter((stat) => stat !== null)
      .sort((one, other) => other.startTicks - one.startTicks);
  }

  withPid(pid: number): readonly ProcessStat[] {
    return this.#find('pid', pid, (stat) => [stat.pid]);
  }

  inSession(session: number): readonly ProcessStat[] {
    return this.#find('session', session, (stat) => [stat.session]);
  }

  childrenOf(pid: number): readonly ProcessStat[] {
    return this.#find('parent', pid, (stat) => [stat.parentPid]);
  }

  withEntry(entry: string, since: number): readonly ProcessStat[] {
    const at = entry.indexOf('=');
    const [name, value] = [entry.slice(0, at), entry.slice(at + 1)];
    return this.#find(`entry ${name}`, value, (stat) => this.#entriesOf(stat, name), since);
  }

  withStream(key: string, since: number): readonly ProcessStat[] {
    return this.#find('stream', key, streamsOf, since);
  }

  /** A question of a kind sorts all by it that no earlier one has. */
  #find(
    kind: string,
    wanted: unknown,
    keysOf: (stat: ProcessStat) => readonly unknown[],
    since = Number.NEGATIVE_INFINITY,
  ): readonly ProcessStat[] {
    const group = this.#groups.get(kind) ?? { found: new Map<unknown, ProcessStat[]>(), count: 0 };
    this.#groups.set(kind, group);
    for (const stat of this.stats.slice(group.count)) {
      if (stat.startTicks < since) break;
      group.count++;
      for (const key of new Set(keysOf(stat))) {
        const same = group.found.get(key);
        if (same === undefined) group.found.set(key, [stat]);
        else same.push(stat);
      }
    }
    return group.found.get(wanted) ?? [];
  }
}

function streamsOf({ pid }: ProcessStat): readonly (string | null)[] {
  return [0, 1, 2].map((descriptor) => descriptorKey(pid, descriptor));
}

class Table implements ProcessTable {
  readonly #clock: Clock;
  #last: ProcessLook | null = null;
  #takenAt = 0;
  #tookMs = 0;
  /** by name, and then by process */
  readonly #entries = new Map<string, Map<string, readonly string[]>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(maxAgeMs: number, since = Number.NEGATIVE_INFINITY): ProcessLook {
    const began = this.#clock.monotonicMs();
    const sharedMs = maxAgeMs <= 0 ? 0 : this.#tookMs / maxShare;
    const allowedMs = this.#takenAt >= since ? Math.max(maxAgeMs, sharedMs) : sharedMs;
    if (this.#last !== null && began - this.#takenAt < allowedMs) return this.#last;
    const look = new Look(listPids() ?? [], (stat, name) => this.#entriesOf(stat, name));
    this.#last = look;
    this.#takenAt = this.#clock.monotonicMs();
    this.#tookMs = this.#takenAt - began;
    this.#forgetGone(look);
    return look;
  }

  /** What a process was seen with stays true of it, once it is older than its birth: it is read once. */
  #entriesOf(stat: ProcessStat, name: string): readonly string[] {
    const ofName = this.#entries.get(name) ?? new Map<string, readonly string[]>();
    this.#entries.set(name, ofName);
    const known = ofName.get(keyOf(stat));
    if (known !== undefined) return known;
    const values = readEnvironmentEntries(stat.pid, name);
    // between its birth and its program it has what the one has that made it
    if (!isYoung(stat)) ofName.set(keyOf(stat), values);
    return values;
  }

  #forgetGone({ stats }: ProcessLook): void {
    if (this.#entries.size === 0) return;
    const there = new Set(stats.map(keyOf));
    for (const ofName of this.#entries.values())
      for (const key of ofName.keys()) if (!there.has(key)) ofName.delete(key);
  }
}

let own: ProcessStat | null = null;

/** Whether it began so short a time ago that its program may not have. */
function isYoung({ startTicks }: ProcessStat): boolean {
  own ??= readStat(process.pid);
  if (own === null) return true;
  const nowTicks = own.startTicks + process.uptime() * ticksPerSecond;
  return ((nowTicks - startTicks) * 1000) / ticksPerSecond < youngMs;
}

/** Names one process among all that were and will be. */
function keyOf({ pid, startTicks }: ProcessStat): string {
  return `${pid}.${startTicks}`;
}
