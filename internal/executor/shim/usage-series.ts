import type { UsageSamples } from '../../domain/task.ts';

/** Most points of a series; when it is full, two become one. */
export const maxPoints = 60;
/** Between points at the beginning; ms. */
const firstEveryMs = 500;
/** Samples are taken at least so often, however far apart the points are: a short peak of memory counts too; ms. */
const maxGapMs = 10_000;

/** How processor and memory of one run went, in points that are evenly spaced and never too many. */
export class UsageSeries {
  #everyMs = firstEveryMs;
  readonly #cpuPercent: number[] = [];
  readonly #memoryBytes: number[] = [];
  #point: { readonly atMs: number; readonly cpuMs: number; memoryBytes: number } | null = null;

  /** How long to wait before another sample; ms. */
  get gapMs(): number {
    return Math.min(this.#everyMs, maxGapMs);
  }

  /** Takes a sample. @param atMs  monotonic @param cpuMs  up to now */
  add({
    atMs,
    cpuMs,
    memoryBytes,
  }: {
    readonly atMs: number;
    readonly cpuMs: number;
    readonly memoryBytes: number;
  }) {
    const point = this.#point;
    if (point === null) {
      this.#point = { atMs, cpuMs, memoryBytes };
      return;
    }
    point.memoryBytes = Math.max(point.memoryBytes, memoryBytes);
    const tookMs = atMs - point.atMs;
    if (tookMs < this.#everyMs) return;
    this.#cpuPercent.push(Math.max(0, Math.round(((cpuMs - point.cpuMs) / tookMs) * 1000) / 10));
    this.#memoryBytes.push(point.memoryBytes);
    this.#point = { atMs, cpuMs, memoryBytes };
    if (this.#memoryBytes.length >= maxPoints) this.#halve();
  }

  /** The points so far; null when there are none. */
  points(): UsageSamples | null {
    if (this.#memoryBytes.length === 0) return null;
    return {
      everyMs: this.#everyMs,
      cpuPercent: [...this.#cpuPercent],
      memoryBytes: [...this.#memoryBytes],
    };
  }

  #halve(): void {
    const pairs = (values: readonly number[], join: (a: number, b: number) => number) =>
      Array.from({ length: values.length / 2 }, (_, index) =>
        join(values[2 * index] ?? 0, values[2 * index + 1] ?? 0),
      );
    const cpu = pairs(this.#cpuPercent, (a, b) => Math.round((a + b) * 5) / 10);
    const memory = pairs(this.#memoryBytes, Math.max);
    this.#cpuPercent.splice(0, this.#cpuPercent.length, ...cpu);
    this.#memoryBytes.splice(0, this.#memoryBytes.length, ...memory);
    this.#everyMs *= 2;
  }
}
