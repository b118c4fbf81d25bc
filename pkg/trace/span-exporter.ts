import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import { type Span, type TraceSource, toOtlp } from './otlp.ts';

/** What a receiver answered: `again` after a while, or never. */
export type SendResult =
  | { readonly kind: 'taken'; readonly rejected: number }
  | { readonly kind: 'again'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string };

/** What an exporter is made from. */
export interface SpanExporterParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: TraceSource;
  /** Sends one body. @throws when the receiver does not answer: that is `again` */
  readonly send: (body: string, signal: AbortSignal) => Promise<SendResult>;
}

/** Spans that wait; more are dropped. */
const maxWaiting = 4_096;
/** Spans of one request. */
const maxBatch = 512;
/** How long spans are gathered; ms. */
const gatherMs = 1_000;
/** Longest request; ms. */
const sendMs = 10_000;
/** Pauses after failures; ms. After the last one the batch is dropped. */
const pausesMs = [1_000, 5_000, 15_000, 60_000] as const;
/** The receiver's absence is told so often; ms. */
const tellEveryMs = 300_000;

/** Sends spans in batches, beside the work: whoever hands one in never waits, and nothing that happens here fails it. */
export class SpanExporter {
  readonly #parts: SpanExporterParts;
  readonly #waiting: Span[] = [];
  readonly #hurry = new AbortController();
  readonly #over = new AbortController();
  #work: Promise<void> | null = null;
  #dropped = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SpanExporterParts) {
    this.#parts = parts;
  }

  /** How many spans were lost. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a span; after `close` it is lost. */
  add(span: Span): void {
    if (this.#waiting.length >= maxWaiting || this.#over.signal.aborted) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(span);
    this.#work ??= this.#sendAll().finally(() => {
      this.#work = null;
    });
  }

  /** Sends what is left, as far as it goes out within this time; ms. */
  async close(limitMs: number): Promise<void> {
    this.#hurry.abort();
    const cancel = this.#parts.clock.after(limitMs, () => this.#over.abort());
    await this.#work;
    cancel();
    this.#over.abort();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < maxBatch) await this.#pause(gatherMs);
      const batch = this.#waiting.splice(0, maxBatch);
      const lost = await this.#sendBatch(batch);
      this.#dropped += lost;
    }
  }

  /** @returns how many were lost */
  async #sendBatch(batch: readonly Span[]): Promise<number> {
    const body = toOtlp(this.#parts.source, batch);
    for (const pauseMs of [...pausesMs, null]) {
      if (this.#over.signal.aborted) return batch.length;
      const result = await this.#sendOnce(body);
      if (result.kind === 'taken') return result.rejected;
      this.#tell(result.why, batch.length);
      // a program that ends has no time for another try
      if (result.kind === 'refused' || pauseMs === null || this.#hurry.signal.aborted) return batch.length;
      await this.#pause(pauseMs);
    }
    return batch.length;
  }

  async #sendOnce(body: string): Promise<SendResult> {
    const late = new AbortController();
    const cancel = this.#parts.clock.after(sendMs, () => late.abort(new Error('no answer in time')));
    try {
      return await this.#parts.send(body, AbortSignal.any([late.signal, this.#over.signal]));
    } catch (error) {
      return { kind: 'again', why: error instanceof Error ? error.message : String(error) };
    } finally {
      cancel();
    }
  }

  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#hurry.signal, this.#over.signal]);
    await this.#parts.clock.sleep(ms, signal).catch(() => {});
  }

  #tell(why: string, spans: number): void {
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#toldAtMs < tellEveryMs) return;
    this.#toldAtMs = now;
    this.#parts.log.warn('traces cannot be sent; work goes on without', {
      why,
      spans,
      dropped: this.#dropped,
    });
  }
}
