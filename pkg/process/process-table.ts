/** What processes the machine has, looked at once for all who ask at about the same time. */
import type { Clock } from '../clock/clock.ts';
import {
  descriptorKey,
  listPids,
  type ProcessStat,
  readEnvironmentEntry,
  readStat,
  ticksPerSecond,
} from './proc.ts';

/** Looking takes at most this part of the time of those who take an old look. */
const maxShare = 0.05;
/** A process is still becoming what it was started as; ms. */
const youngMs = 5_000;

/** Processes as they were at a moment; neither the first nor this one. What is asked for is found at once, however many there are. */
export interface ProcessLook {
  readonly stats: readonly ProcessStat[];
  withPid(pid: number): readonly ProcessStat[];
  inSession(session: number): readonly ProcessStat[];
  childrenOf(pid: number): readonly ProcessStat[];
  /** Those that were started with this variable in their environment. */
  withEntry(name: string, value: string): readonly ProcessStat[];
  /** Those that have this file as stdin, stdout or stderr. @see descriptorKey */
  withStream(key: string): readonly ProcessStat[];
}

/** A look at a machine with many processes takes ms, and a hundred runs ask for it. */
export interface ProcessTable {
  /**
   * Every process; none where there is no /proc.
   * @param maxAgeMs  how old the look may be; 0 = look now. An older one is given while looks take too much time
   * @param since  and not from before this moment of the clock (monotonic ms), whatever it takes
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
  return new Look(pids, ({ pid }, name) => readEnvironmentEntry(pid, name));
}

class Look implements ProcessLook {
  readonly stats: readonly ProcessStat[];
  readonly #entryOf: (stat: ProcessStat, name: string) => string | null;
  readonly #groups = new Map<string, ReadonlyMap<unknown, readonly ProcessStat[]>>();

  constructor(pids: readonly number[], entryOf: (stat: ProcessStat, name: string) => string | null) {
    this.#entryOf = entryOf;
    this.stats = pids
      .filter((pid) => pid > 1 && pid !== process.pid)
      .map(readStat)
      .filter((stat) => stat !== null);
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

  withEntry(name: string, value: string): readonly ProcessStat[] {
    return this.#find(`entry ${name}`, value, (stat) => [this.#entryOf(stat, name)]);
  }

  withStream(key: string): readonly ProcessStat[] {
    return this.#find('stream', key, ({ pid }) => [
      ...new Set([0, 1, 2].map((fd) => descriptorKey(pid, fd))),
    ]);
  }

  /** The first question of a kind sorts all by it. */
  #find(
    kind: string,
    wanted: unknown,
    keysOf: (stat: ProcessStat) => readonly unknown[],
  ): readonly ProcessStat[] {
    let group = this.#groups.get(kind);
    if (group === undefined) {
      const sorted = new Map<unknown, ProcessStat[]>();
      for (const stat of this.stats)
        for (const key of keysOf(stat)) sorted.set(key, [...(sorted.get(key) ?? []), stat]);
      group = sorted;
      this.#groups.set(kind, group);
    }
    return group.get(wanted) ?? [];
  }
}

class Table implements ProcessTable {
  readonly #clock: Clock;
  #last: ProcessLook | null = null;
  #takenAt = 0;
  #tookMs = 0;
  /** by name, and then by process */
  readonly #entries = new Map<string, Map<string, string | null>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(maxAgeMs: number, since = Number.NEGATIVE_INFINITY): ProcessLook {
    const began = this.#clock.monotonicMs();
    const allowedMs = maxAgeMs <= 0 ? 0 : Math.max(maxAgeMs, this.#tookMs / maxShare);
    if (this.#last !== null && this.#takenAt >= since && began - this.#takenAt < allowedMs) return this.#last;
    const look = new Look(listPids() ?? [], (stat, name) => this.#entry(stat, name));
    this.#last = look;
    this.#takenAt = this.#clock.monotonicMs();
    this.#tookMs = this.#takenAt - began;
    this.#forgetGone(look);
    return look;
  }

  /** What a process was seen with stays true of it, once it is older than its birth: it is read once. */
  #entry(stat: ProcessStat, name: string): string | null {
    const ofName = this.#entries.get(name) ?? new Map<string, string | null>();
    this.#entries.set(name, ofName);
    const known = ofName.get(keyOf(stat));
    if (known !== undefined) return known;
    const value = readEnvironmentEntry(stat.pid, name);
    // between its birth and its program it has what the one has that made it
    if (!isYoung(stat)) ofName.set(keyOf(stat), value);
    return value;
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
