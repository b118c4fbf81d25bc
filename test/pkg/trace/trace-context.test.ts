import { expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent } from '../../../pkg/trace/trace-context.ts';

const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

test('a traceparent of the specification is read, and written as it came', () => {
  const text = `00-${traceId}-${spanId}-01`;
  expect(parseTraceparent(text)).toEqual({ traceId, spanId, sampled: true });
  expect(formatTraceparent({ traceId, spanId, sampled: true })).toBe(text);
  expect(parseTraceparent(`00-${traceId}-${spanId}-00`)?.sampled).toBe(false);
});

test('of a later version what is known is taken', () => {
  expect(parseTraceparent(`cc-${traceId}-${spanId}-03-what-comes-later`)).toEqual({
    ...{ traceId, spanId, sampled: true },
  });
});

test.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['a version that is forbidden', `ff-${traceId}-${spanId}-01`],
  ['a version 00 with more behind it', `00-${traceId}-${spanId}-01-x`],
  ['upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['a short id', `00-${traceId.slice(1)}-${spanId}-01`],
  ['something long', `00-${'a'.repeat(100_000)}`],
])('%s is none', (_what, text) => {
  expect(parseTraceparent(text)).toBeNull();
});
