/** Metrics in the text format of Prometheus: the door of prom-client. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a metric is. */
export interface MetricRow {
  /** with its unit, and `_total` when it is a counter */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** one sentence */
  readonly help: string;
  /** names of its labels; default: none */
  readonly labels?: readonly string[];
  /** upper bounds of a histogram, ascending, in the unit of its name */
  readonly buckets?: readonly number[];
}

/** Values of labels by their names. Whoever hands them in bounds how many different ones there are. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric that has labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** What a metric is at the moment of asking; null = it has no value now. */
export type Reading = number | null | readonly Sample[];

/** Metrics of one program. A value that is not known is left out instead of being 0. */
export class Metrics {
  readonly #registry = new Registry();

  /**
   * Adds a gauge or a counter that is read whenever somebody asks. When reading fails, the metric has no value.
   * @param read  of a counter: never falls while the program lives
   */
  read(row: MetricRow, read: () => Reading | Promise<Reading>): this {
    const take = async (metric: Counter | Gauge) => {
      const reading = await Promise.resolve()
        .then(read)
        .catch(() => null);
      metric.reset();
      // without labels, a reset makes it 0
      if (reading === null) {
        if ((row.labels ?? []).length === 0) metric.remove();
        return;
      }
      if (typeof reading === 'number') metric.inc(reading);
      else for (const { labels, value } of reading) metric.inc({ ...labels }, value);
    };
    const config = { ...this.#config(row), registers: [this.#registry] };
    if (row.type === 'counter') {
      const metric: Counter = new Counter({ ...config, collect: () => take(metric) });
    } else {
      const metric: Gauge = new Gauge({ ...config, collect: () => take(metric) });
    }
    return this;
  }

  /** Adds a counter that is counted up as things happen. */
  counter(row: MetricRow): (labels: Labels, by?: number) => void {
    const metric = new Counter({ ...this.#config(row), registers: [this.#registry] });
    return (labels, by = 1) => metric.inc({ ...labels }, by);
  }

  /** Adds a histogram that is fed as things happen. */
  histogram(row: MetricRow): (labels: Labels, value: number) => void {
    const buckets = [...(row.buckets ?? [])];
    const metric = new Histogram({ ...this.#config(row), buckets, registers: [this.#registry] });
    return (labels, value) => metric.observe({ ...labels }, Math.max(0, value));
  }

  /** The text, and its content type. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: 'text/plain; version=0.0.4; charset=utf-8', body: await this.#registry.metrics() };
  }

  #config(row: MetricRow) {
    return { name: row.name, help: row.help, labelNames: [...(row.labels ?? [])] };
  }
}
