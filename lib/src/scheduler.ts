import { workflowDefaults } from '../../internal/domain/workflow.ts';
import { decideDue, firstOf } from '../../internal/trigger/decide-due.ts';
import type { Schedule } from '../../internal/trigger/trigger-type.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { type Registry, registry, type Unit } from './registry.ts';
import { runUnit } from './run-unit.ts';
import { timedTypes } from './timed-types.ts';
import type { RunRecord, Source, Time, WrittenTrigger } from './types.ts';

/** How a scheduler works. */
export interface SchedulerOptions {
  /** zone of functions that name none; IANA name, default `UTC` */
  readonly timezone?: string;
  /** told of every run when it has ended, and of those that were skipped */
  readonly onRun?: (record: RunRecord) => void;
  /** default: the machine's */
  readonly time?: Time;
}

/** A function that is due at some time. */
export interface Job {
  readonly name: string;
  /** as it was written: an expression, or how often */
  readonly when: string;
  /** epoch ms; null = never again */
  readonly nextAt: number | null;
}

interface Entry {
  readonly unit: Unit;
  readonly written: WrittenTrigger;
  readonly schedule: Schedule;
  readonly source: Source;
  readonly id: string;
  cursor: number;
  nextAt: number | null;
}

/** Longest sleep: a clock that jumped, or a machine that slept, is noticed within this; ms. */
const maxSleepMs = 30_000;

/**
 * Runs the functions of this process at their time, by the same rules as the server: missed instants, clock changes, and
 * a run that is still under way when the next is due (that one is skipped). Nothing outlives the process; deploy the file
 * for that.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #time: Time;
  readonly #table: Registry;
  readonly #running = new Map<Unit, Promise<unknown>>();
  #entries: Entry[] = [];
  #stopping: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions = {}) {
    this.#options = options;
    this.#time = options.time ?? systemClock;
    this.#table = registry();
  }

  /** Begins; functions that were told of until now take part. Twice is once. Keeps the process alive until `stop`. */
  start(): this {
    if (this.#stopping !== null) return this;
    this.#table.started.add('scheduler');
    if (this.#table.onlyDescribes) return this;
    this.#stopping = new AbortController();
    const now = this.#time.now();
    this.#entries = [...this.#table.units.values()].flatMap((unit) => this.#entriesOf(unit, now));
    this.#loop = this.#run(this.#stopping.signal);
    return this;
  }

  /** Ends: no further run begins, those under way are told by their signal, and are waited for. */
  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the scheduler stops', 'AbortError'));
    await this.#loop;
    await Promise.all(this.#running.values());
    this.#stopping = null;
  }

  /** What is due when, the next first. */
  jobs(): Job[] {
    const end = Number.POSITIVE_INFINITY;
    return this.#entries
      .map(({ unit, written, nextAt }) => ({
        name: unit.name,
        when: String(written.expression ?? written.every),
        nextAt,
      }))
      .sort((a, b) => (a.nextAt ?? end) - (b.nextAt ?? end));
  }

  #entriesOf(unit: Unit, now: number): Entry[] {
    return unit.triggers.flatMap((written, index) => {
      const type = timedTypes.get(written.type);
      if (type?.schedule === undefined || written.enabled === false) return [];
      const { type: _type, catchUp: _catchUp, enabled: _enabled, ...spec } = written;
      const id = `${unit.name}/${index}`;
      const context = { triggerId: id, zone: this.#options.timezone ?? 'UTC', anchorMs: now };
      const schedule = type.schedule(spec, context);
      const source = written.type as Source;
      const entry: Entry = { unit, written, schedule, source, id, cursor: now, nextAt: null };
      entry.nextAt = firstOf({ ...limitsOf(entry), schedule, triggerId: id }, now)?.effectiveAt ?? null;
      return [entry];
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = this.#time.now();
      for (const entry of this.#entries)
        if (entry.nextAt !== null && entry.nextAt <= now) this.#fire(entry, now);
      const next = Math.min(...this.#entries.map(({ nextAt }) => nextAt ?? Number.POSITIVE_INFINITY));
      const waitMs = Math.min(maxSleepMs, Math.max(1, next - now));
      await this.#time.sleep(waitMs, signal).catch(() => {});
    }
  }

  #fire(entry: Entry, now: number): void {
    const { schedule, cursor, id } = entry;
    const decided = decideDue({ ...limitsOf(entry), triggerId: id, schedule, cursor, now });
    entry.cursor = decided.cursor;
    entry.nextAt = decided.nextAt;
    for (const { nominalAt, isRun, reason } of decided.instants)
      this.#begin(entry, nominalAt, isRun ? null : reason);
  }

  #begin({ unit, source }: Entry, dueAt: number, why: string | null): void {
    const signal = this.#stopping?.signal ?? AbortSignal.abort();
    const tell = this.#options.onRun ?? (() => {});
    const held = unit.isHeld ? 'paused' : null;
    const reason = why ?? held ?? (this.#running.has(unit) ? 'overlap_skipped' : null);
    if (reason !== null) {
      const now = this.#time.now();
      const nothing = { durationMs: 0, status: 'skipped', attempts: 0, result: null } as const;
      tell({ name: unit.name, source, dueAt, startedAt: now, ...nothing, error: reason, errorName: null });
      return;
    }
    const parts = { time: this.#time, table: this.#table };
    const running = runUnit(parts, { unit, source, dueAt, signal }).then((record) => {
      this.#running.delete(unit);
      tell(record);
    });
    this.#running.set(unit, running);
  }
}

function limitsOf({ written }: Pick<Entry, 'written'>) {
  const { catchUp } = workflowDefaults;
  const policy = (written.catchUp as typeof catchUp.policy | undefined) ?? catchUp.policy;
  return { catchUp: { ...catchUp, policy }, spreadMs: 0, startAt: null, endAt: null };
}
