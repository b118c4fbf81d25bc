import type { Clock } from '../../../pkg/clock/clock.ts';
import { type ProcessStat, residentBytes, storageBytes, ticksPerSecond } from '../../../pkg/process/proc.ts';
import type { Usage } from '../../domain/task.ts';
import { type SampleBudget, sampleBudget } from './sample-budget.ts';
import { UsageSeries } from './usage-series.ts';

/** The time stamps of files are coarser than clocks, and a wall clock is slewed; ms. */
const toleranceMs = 1_000;

/** What a measurement is made from. */
export interface UsageSource {
  /** epoch ms */
  readonly startedAt: number;
  /** epoch ms; null while it runs */
  readonly endedAt: number | null;
  /** from its start until now, by a clock that nobody sets; ms; null when nobody can tell */
  readonly ranMs: number | null;
  /** what the shim counted; null while it runs */
  readonly cpuMsAtEnd: number | null;
  /** what the run has used so far; null when nobody can tell */
  readonly sample: () => UsageSample | null;
}

/** What a run has used up to a moment. */
export interface UsageSample {
  /** held now */
  readonly memoryBytes: number;
  readonly cpuMs: number;
  /** from and to storage; null when nobody can tell */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
}

/** What these processes have used; null when there are none. */
export function sampleProcesses(scripts: readonly ProcessStat[]): UsageSample | null {
  if (scripts.length === 0) return null;
  const ticks = scripts.reduce((sum, stat) => sum + stat.cpuTicks + stat.childCpuTicks, 0);
  const storage = scripts.map(({ pid }) => storageBytes(pid)).filter((one) => one !== null);
  const sumOf = (name: 'read' | 'written') =>
    storage.length === 0 ? null : storage.reduce((sum, one) => sum + one[name], 0);
  return {
    memoryBytes: scripts.reduce((sum, stat) => sum + residentBytes(stat.pid), 0),
    cpuMs: Math.round((ticks * 1000) / ticksPerSecond),
    readBytes: sumOf('read'),
    writtenBytes: sumOf('written'),
  };
}

/** Keeps the highest memory that was seen of one run, the last processor time, and how both went. */
export class UsageMeter {
  readonly #clock: Clock;
  readonly #budget: SampleBudget;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #peakMemoryBytes: number | null = null;
  #cpuMs: number | null = null;
  #readBytes: number | null = null;
  #writtenBytes: number | null = null;
  readonly #series = new UsageSeries();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#budget = sampleBudget(clock);
  }

  /** Whether the next measurement takes a sample, if the script has not ended. */
  isDue(): boolean {
    return this.#clock.monotonicMs() - this.#sampledAt >= this.#series.gapMs && this.#budget.isLeft();
  }

  /** Samples, unless it did so a moment ago or the script has ended, and answers. */
  measure(source: UsageSource): Usage {
    if (source.endedAt === null && this.isDue()) {
      const began = this.#clock.monotonicMs();
      const sample = source.sample();
      this.#budget.spend(this.#clock.monotonicMs() - began);
      if (sample !== null) {
        this.#sampledAt = began;
        this.#take(sample);
      }
    }
    return {
      durationMs: Math.round(this.#durationMs(source)),
      cpuMs: source.cpuMsAtEnd ?? this.#cpuMs,
      peakMemoryBytes: this.#peakMemoryBytes,
      readBytes: this.#readBytes,
      writtenBytes: this.#writtenBytes,
      samples: this.#series.points(),
    };
  }

  /** The time between the two instants, unless the clock was set between them: then what went by until now. */
  #durationMs({ startedAt, endedAt, ranMs }: UsageSource): number {
    const durationMs = (endedAt ?? this.#clock.now()) - startedAt;
    const isPossible = durationMs >= 0 && durationMs <= (ranMs ?? Number.POSITIVE_INFINITY) + toleranceMs;
    return isPossible ? durationMs : Math.max(0, ranMs ?? 0);
  }

  #take({ memoryBytes, cpuMs, readBytes, writtenBytes }: UsageSample): void {
    this.#peakMemoryBytes = Math.max(memoryBytes, this.#peakMemoryBytes ?? 0);
    this.#cpuMs = Math.max(cpuMs, this.#cpuMs ?? 0);
    this.#series.add({ atMs: this.#sampledAt, cpuMs: this.#cpuMs, memoryBytes });
    if (readBytes !== null) this.#readBytes = Math.max(readBytes, this.#readBytes ?? 0);
    if (writtenBytes !== null) this.#writtenBytes = Math.max(writtenBytes, this.#writtenBytes ?? 0);
  }
}
