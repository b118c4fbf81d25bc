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

/** One of a process: a look at a machine with many processes takes ms, and a hundred runs ask for it. */
export interface ProcessTable {
  /**
   * Every process but the first and this one; empty where there is no /proc.
   * @param maxAgeMs  how old the look may be; 0 = look now. An older one is given while looks take too much time
   * @param since  and not from before this moment of the clock (monotonic ms), whatever it takes
   */
  look(maxAgeMs: number, since?: number): readonly ProcessStat[];
  /**
   * The value of a variable with which a process was started; null when it has none, or is not ours. What a process was seen with
   * stays true of it, once it is older than its birth: it is read once.
   */
  entry(stat: ProcessStat, name: string): string | null;
  /** What names the files that are its stdin, stdout and stderr, as far as it has them; of the last look. @see descriptorKey */
  streams(stat: ProcessStat): readonly string[];
}

const tables = new WeakMap<Clock, ProcessTable>();

/** The table of this process: one for each clock. */
export function processTable(clock: Clock): ProcessTable {
  const table = tables.get(clock) ?? new Table(clock);
  tables.set(clock, table);
  return table;
}

class Table implements ProcessTable {
  readonly #clock: Clock;
  #stats: readonly ProcessStat[] = [];
  #takenAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  /** by process and name; those of young ones until the next look */
  readonly #entries = new Map<string, { readonly value: string | null }>();
  readonly #entriesOfYoung = new Map<string, { readonly value: string | null }>();
  readonly #streams = new Map<string, readonly string[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(maxAgeMs: number, since = Number.NEGATIVE_INFINITY): readonly ProcessStat[] {
    const began = this.#clock.monotonicMs();
    const allowedMs = maxAgeMs <= 0 ? 0 : Math.max(maxAgeMs, this.#tookMs / maxShare);
    if (this.#takenAt >= since && began - this.#takenAt < allowedMs) return this.#stats;
    this.#stats = (listPids() ?? [])
      .filter((pid) => pid > 1 && pid !== process.pid)
      .map(readStat)
      .filter((stat) => stat !== null);
    this.#takenAt = this.#clock.monotonicMs();
    this.#tookMs = this.#takenAt - began;
    this.#forgetGone();
    return this.#stats;
  }

  entry(stat: ProcessStat, name: string): string | null {
    const key = `${keyOf(stat)} ${name}`;
    const known = this.#entries.get(key) ?? this.#entriesOfYoung.get(key);
    if (known !== undefined) return known.value;
    const value = readEnvironmentEntry(stat.pid, name);
    // between its birth and its program it has what the one has that made it
    (isYoung(stat) ? this.#entriesOfYoung : this.#entries).set(key, { value });
    return value;
  }

  streams(stat: ProcessStat): readonly string[] {
    const key = keyOf(stat);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const found = readStreams(stat);
    this.#streams.set(key, found);
    return found;
  }

  #forgetGone(): void {
    this.#streams.clear();
    this.#entriesOfYoung.clear();
    if (this.#entries.size === 0) return;
    const there = new Set(this.#stats.map(keyOf));
    for (const key of this.#entries.keys())
      if (!there.has(key.slice(0, key.indexOf(' ')))) this.#entries.delete(key);
  }
}

/** What names the files that are stdin, stdout and stderr of a process now. @see descriptorKey */
export function readStreams({ pid }: ProcessStat): readonly string[] {
  return [0, 1, 2].map((descriptor) => descriptorKey(pid, descriptor)).filter((key) => key !== null);
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
