import { afterEach, describe, expect, test } from 'vitest';
import { openTraces } from '../../../cmd/keruta/roles/traces.ts';
import type { SettingValues } from '../../../internal/config/table.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import type { Span } from '../../../pkg/trace/otlp.ts';
import { type SendResult, SpanExporter } from '../../../pkg/trace/span-exporter.ts';
import { startReceiver } from '../../pkg/trace/receiver.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const unset = {
  ...{ otlpEndpoint: null, otlpTracesEndpoint: null, otlpHeaders: null, traceService: null },
  ...{ traceResource: null, tracesOff: false },
};

function open(values: object, log: Log = silentLog) {
  return openTraces({
    context: { clock: systemClock, version: '1.2.3' },
    values: { ...unset, ...values } as SettingValues,
    log,
    service: 'keruta-agent',
  });
}

async function receive(...answers: Parameters<typeof startReceiver>) {
  const receiver = await startReceiver(...answers);
  closing.push(receiver.close);
  return receiver;
}

const span = (more: Partial<Span> = {}): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: null, name: 'run', kind: 'internal' },
  ...{ startAt: 1_700_000_000_000, endAt: 1_700_000_000_250, attributes: {}, error: null },
  ...more,
});

describe('traces', () => {
  test('are off without an endpoint, and when they are switched off', async () => {
    expect(await open({})).toBeNull();
    expect(await open({ otlpEndpoint: 'http://127.0.0.1:1', tracesOff: true })).toBeNull();
  });

  test('reach a real receiver, as OTLP in JSON, with the headers that were set', async () => {
    const receiver = await receive();
    const traces = await open({
      otlpEndpoint: `${receiver.url}/base/`,
      otlpHeaders: 'Authorization=Bearer%20s3cret, x-team = a',
      traceResource: 'deployment.environment=test',
      traceService: 'mine',
    });
    const attributes = { text: 'ü', whole: 3, part: 0.5, yes: true, none: null };
    traces?.add(span({ attributes, parentSpanId: 'c'.repeat(16), error: 'exit code 1' }));
    traces?.add(span({ kind: 'consumer', endAt: 0 }));
    await traces?.close(5_000);
    expect(receiver.faults).toEqual([]);
    expect(receiver.requests[0]).toMatchObject({
      url: '/base/v1/traces',
      headers: { 'content-type': 'application/json', authorization: 'Bearer s3cret', 'x-team': 'a' },
    });
    expect(receiver.requests[0]?.body).toContain('deployment.environment');
    expect(receiver.spans).toEqual([
      {
        ...{ service: 'mine', name: 'run', traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), kind: 1 },
        ...{ parent: 'c'.repeat(16), startMs: 1_700_000_000_000, endMs: 1_700_000_000_250 },
        attributes: { text: 'ü', whole: 3, part: 0.5, yes: true },
        status: { code: 2, message: 'exit code 1' },
      },
      expect.objectContaining({ kind: 5, parent: null, endMs: 1_700_000_000_000, status: { code: 1 } }),
    ]);
    expect(traces?.dropped).toBe(0);
  });

  test('that a receiver cannot take now are sent again, and those that it refuses are counted', async () => {
    const receiver = await receive((request) =>
      request === 0
        ? { status: 503 }
        : { status: 200, body: { partialSuccess: { rejectedSpans: '2', errorMessage: 'no' } } },
    );
    const traces = await open({ otlpTracesEndpoint: `${receiver.url}/x` });
    for (const _ of 'abc') traces?.add(span());
    await expect.poll(() => receiver.spans.length, { timeout: 15_000 }).toBe(3);
    await expect.poll(() => traces?.dropped).toBe(2);
    expect(receiver.requests.map(({ url }) => url)).toEqual(['/x', '/x']);
    await traces?.close(1_000);
  });

  test('tell of a receiver that refuses without a word of the headers', async () => {
    const receiver = await receive(() => ({ status: 401 }));
    const lines: unknown[] = [];
    const log = { ...silentLog, warn: (...line: unknown[]) => void lines.push(line) };
    const traces = await open({ otlpEndpoint: receiver.url, otlpHeaders: 'authorization=s3cret' }, log);
    traces?.add(span());
    await traces?.close(5_000);
    expect(receiver.requests).toHaveLength(1);
    expect(traces?.dropped).toBe(1);
    expect(JSON.stringify(lines)).toContain('answers 401');
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  test('keep a program that ends no longer than they may, also when the receiver says nothing', async () => {
    const receiver = await receive(() => 'silence');
    const traces = await open({ otlpEndpoint: receiver.url });
    traces?.add(span());
    await traces?.close(100);
    expect(traces?.dropped).toBe(1);
  });

  test.each([
    ['no address', { otlpEndpoint: 'collector:4317' }],
    ['another protocol', { otlpEndpoint: 'grpc://collector:4317' }],
    ['a password in it', { otlpEndpoint: 'http://me:s3cret@collector:4318' }],
    ['headers without names', { otlpEndpoint: 'http://collector', otlpHeaders: 's3cret' }],
  ])('are refused with %s, and what is secret is not said', async (_what, values) => {
    const refusal = await open(values).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'KERUTA_ERR_BAD_VALUE',
      message: expect.stringContaining('OTEL_'),
    });
    expect(String((refusal as Error).message)).not.toContain('s3cret');
  });
});

test('spans that nobody takes wait up to a number, and those that come later are dropped at once', async () => {
  const clock = new TestClock();
  const send = () => new Promise<SendResult>(() => {});
  const source = { resource: {}, scope: { name: 'x', version: '1' } };
  const exporter = new SpanExporter({ clock, log: silentLog, source, send });
  for (let number = 0; number < 20_000; number++) exporter.add(span());
  expect(exporter.dropped).toBe(20_000 - 4_096);
});
