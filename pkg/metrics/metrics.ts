import { Gauge, Registry } from 'prom-client';

/** One value of a metric that has a label. */
export interface LabelledValue {
  readonly label: string;
  readonly value: number;
}

/** Metrics in the text format of Prometheus, each read at the moment of asking. */
export class Metrics {
  readonly #registry = new Registry();

  /** Adds a metric. @param name  with unit and `_total` where they belong */
  add(name: string, help: string, read: () => number): this {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
    return this;
  }

  /** Adds a metric that has one value for each value of a label. */
  addLabelled(metric: {
    readonly name: string;
    readonly help: string;
    readonly label: string;
    readonly read: () => readonly LabelledValue[];
  }): this {
    new Gauge({
      name: metric.name,
      help: metric.help,
      labelNames: [metric.label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { label, value } of metric.read()) this.set({ [metric.label]: label }, value);
      },
    });
    return this;
  }

  /** The text, and its content type. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: 'text/plain; version=0.0.4', body: await this.#registry.metrics() };
  }
}
