import type { Clock } from '../../../pkg/clock/clock.ts';
import { type ProcessStat, residentBytes, storageBytes, ticksPerSecond } from '../../../pkg/process/proc.ts';
import type { Usage } from '../../domain/task.ts';
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
  /** the live processes of the run */
  readonly scripts: () => readonly ProcessStat[];
}

/** Keeps the highest memory that was seen of one run, the last processor time, and how both went. */
export class UsageMeter {
  readonly #clock: Clock;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #peakMemoryBytes: number | null = null;
  #cpuMs: number | null = null;
  #readBytes: number | null = null;
  #writtenBytes: number | null = null;
  readonly #series = new UsageSeries();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Samples, unless it did so a moment ago or the script has ended, and answers. */
  measure(source: UsageSource): Usage {
    const now = this.#clock.monotonicMs();
    if (source.endedAt === null && now - this.#sampledAt >= this.#series.gapMs) {
      this.#sampledAt = now;
      this.#sample(source.scripts());
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

  #sample(scripts: readonly ProcessStat[]): void {
    if (scripts.length === 0) return;
    const memory = scripts.reduce((sum, stat) => sum + residentBytes(stat.pid), 0);
    const ticks = scripts.reduce((sum, stat) => sum + stat.cpuTicks + stat.childCpuTicks, 0);
    this.#peakMemoryBytes = Math.max(memory, this.#peakMemoryBytes ?? 0);
    const cpuMs = Math.max(Math.round((ticks * 1000) / ticksPerSecond), this.#cpuMs ?? 0);
    this.#cpuMs = cpuMs;
    this.#series.add({ atMs: this.#sampledAt, cpuMs, memoryBytes: memory });
    const storage = scripts.map(({ pid }) => storageBytes(pid)).filter((one) => one !== null);
    if (storage.length === 0) return;
    const sumOf = (name: 'read' | 'written') => storage.reduce((sum, one) => sum + one[name], 0);
    this.#readBytes = Math.max(sumOf('read'), this.#readBytes ?? 0);
    this.#writtenBytes = Math.max(sumOf('written'), this.#writtenBytes ?? 0);
  }
}
