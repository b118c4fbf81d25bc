import type { Clock } from '../../pkg/clock/clock.ts';
import type { Attributes, Span } from '../../pkg/trace/otlp.ts';
import { formatTraceparent, parseTraceparent, type TraceContext } from '../../pkg/trace/trace-context.ts';
import { attemptSpanId, traceIdOf } from '../domain/trace-ids.ts';
import type { RunRecord } from './run-record.ts';

/** Takes spans that are over. @see SpanExporter */
export interface SpanSink {
  add(span: Span): void;
}

/** Parts of an attempt that are told one by one. */
export type Phase = 'claim' | 'checkout' | 'run' | 'deliver' | 'report';

/** When something happened; epoch ms. */
export interface Timing {
  readonly startAt: number;
  readonly endAt: number;
}

/** What a trace of an attempt is made from. */
export interface RunTraceParts {
  readonly clock: Pick<Clock, 'now'>;
  /** null = traces are not wanted */
  readonly sink: SpanSink | null;
  /** applied to every text */
  readonly mask: (text: string) => string;
}

/** The spans of one attempt: itself, and its phases below it. Without a sink it does nothing. */
export class RunTrace {
  readonly #parts: RunTraceParts;
  readonly #record: RunRecord;
  readonly #parent: TraceContext | null;
  readonly #isOn: boolean;
  readonly #startAt: number;

  /** @param asked  when the claim of this attempt was sent and answered; null = a former agent claimed it */
  constructor(parts: RunTraceParts, record: RunRecord, asked: Timing | null) {
    this.#parts = parts;
    this.#record = record;
    this.#parent = parseTraceparent(record.environment.TRACEPARENT);
    // somebody before us decided that this trace is not recorded
    this.#isOn = parts.sink !== null && this.#parent?.sampled !== false;
    const now = parts.clock.now();
    const startAt = asked === null ? (record.started?.at ?? now) : claimStart(record, asked);
    this.#startAt = startAt;
    if (asked !== null) this.phase('claim', { startAt, endAt: asked.endAt });
  }

  /** What the script gets as TRACEPARENT; null = what it gets anyway, if anything. */
  get traceparent(): string | null {
    if (!this.#isOn) return null;
    return formatTraceparent({ ...this.#ids(), spanId: this.#idOf('run'), sampled: true });
  }

  /** Tells a phase that is over. */
  phase(name: Phase, timing: Timing, error: string | null = null): void {
    this.#add({ name, spanId: this.#idOf(name), parentSpanId: this.#idOf(), timing, error, attributes: {} });
  }

  /** Does a phase and tells it, also when it fails. */
  async during<T>(name: Phase, work: () => Promise<T>): Promise<T> {
    const startAt = this.#parts.clock.now();
    const over = (error: string | null) =>
      this.phase(name, { startAt, endAt: this.#parts.clock.now() }, error);
    try {
      const value = await work();
      over(null);
      return value;
    } catch (error) {
      over(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Tells the attempt as a whole. @param error  why it failed; null = it did not */
  end(attributes: Attributes, error: string | null): void {
    const timing = { startAt: this.#startAt, endAt: this.#parts.clock.now() };
    const { parent } = this.#ids();
    const { task, attempt } = this.#record;
    const about = { 'keruta.task.name': task.name, 'keruta.attempt': attempt, ...attributes };
    this.#add({
      ...{ name: 'attempt', spanId: this.#idOf(), parentSpanId: parent, timing, error },
      attributes: about,
    });
  }

  #add(one: {
    readonly name: string;
    readonly spanId: string;
    readonly parentSpanId: string | null;
    readonly timing: Timing;
    readonly error: string | null;
    readonly attributes: Attributes;
  }): void {
    if (!this.#isOn) return;
    const { mask, sink } = this.#parts;
    const { name, spanId, parentSpanId, timing, error } = one;
    const { task } = this.#record;
    const ids = { 'keruta.task.id': task.id, 'keruta.session.id': task.sessionId };
    const masked = Object.entries({ ...ids, ...one.attributes }).map(([key, value]) => [
      key,
      typeof value === 'string' ? mask(value) : value,
    ]);
    sink?.add({
      ...{ traceId: this.#ids().traceId, spanId, parentSpanId, name, kind: 'internal', ...timing },
      attributes: Object.fromEntries(masked) as Attributes,
      error: error === null ? null : mask(error),
    });
  }

  #ids(): { readonly traceId: string; readonly parent: string | null } {
    const { task } = this.#record;
    return this.#parent === null
      ? { traceId: traceIdOf(task.id), parent: null }
      : { traceId: this.#parent.traceId, parent: this.#parent.spanId };
  }

  #idOf(phase?: Phase): string {
    return attemptSpanId(this.#record.task.id, this.#record.attempt, phase);
  }
}

/** A claim that waited for the task to come counts from then on, as far as the clocks of two machines agree. */
function claimStart({ task }: RunRecord, { startAt, endAt }: Timing): number {
  const createdAt = Date.parse(task.createdAt);
  return Number.isNaN(createdAt) ? startAt : Math.min(endAt, Math.max(startAt, createdAt));
}
