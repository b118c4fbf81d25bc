/**
 * Where a piece of work stands in a trace, and how one program tells another: the header `traceparent`.
 * @see https://www.w3.org/TR/trace-context/
 */

/** A place in a trace. */
export interface TraceContext {
  /** 32 hex digits in lower case, not all 0 */
  readonly traceId: string;
  /** 16 hex digits in lower case, not all 0 */
  readonly spanId: string;
  /** whether those before us record the trace; when they do not, we do not either */
  readonly sampled: boolean;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` of any version; null when there is none, or it is not one. */
export function parseTraceparent(text: string | undefined): TraceContext | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = pattern.exec(text?.trim() ?? '') ?? [];
  if (version === undefined || version === 'ff') return null;
  // version 00 ends here; of a later one we take what we know
  if (version === '00' && more !== undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` of version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}
