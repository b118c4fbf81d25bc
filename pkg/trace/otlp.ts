/** Spans as OTLP/HTTP takes them in JSON. @see https://opentelemetry.io/docs/specs/otlp/ and trace.proto */

/** Values that describe something. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** A piece of work that is over. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** null = the first of its trace */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** `internal`: within a program; `consumer`: takes up what another program left */
  readonly kind: 'internal' | 'consumer';
  /** epoch ms */
  readonly startAt: number;
  /** epoch ms */
  readonly endAt: number;
  /** null values are left out */
  readonly attributes: Attributes;
  /** what went wrong, in short; null = nothing did */
  readonly error: string | null;
}

/** Who sends spans. */
export interface TraceSource {
  /** of the program as such, such as `service.name` */
  readonly resource: Attributes;
  /** what made the spans */
  readonly scope: { readonly name: string; readonly version: string };
}

/** Longest text of an attribute; characters. */
const maxText = 1_000;
const kinds = { internal: 1, consumer: 5 } as const;
const [statusOk, statusError] = [1, 2];

/** The body of one export. */
export function toOtlp(source: TraceSource, spans: readonly Span[]): string {
  const scopeSpans = [{ scope: source.scope, spans: spans.map(spanJson) }];
  return JSON.stringify({
    resourceSpans: [{ resource: { attributes: attributesJson(source.resource) }, scopeSpans }],
  });
}

function spanJson(span: Span) {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanos(span.startAt),
    endTimeUnixNano: nanos(Math.max(span.startAt, span.endAt)),
    attributes: attributesJson(span.attributes),
    status:
      span.error === null ? { code: statusOk } : { code: statusError, message: span.error.slice(0, maxText) },
  };
}

/** 64 bits do not fit into a number of JSON: they are written as text. */
function nanos(ms: number): string {
  return (BigInt(Math.round(ms)) * 1_000_000n).toString();
}

function attributesJson(attributes: Attributes) {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value: valueJson(value) }],
  );
}

function valueJson(value: string | number | boolean) {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value.slice(0, maxText) };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
