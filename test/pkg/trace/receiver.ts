/** A real HTTP server that takes spans as OTLP in JSON, and reads them as strictly as the protocol is written. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue }));
const hex = (digits: number) => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`));
const nanos = z.string().regex(/^\d{19}$/);
const spanShape = z.strictObject({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: hex(16).optional(),
  name: z.string().min(1),
  kind: z.number().int().min(1).max(5),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  status: z.strictObject({ code: z.number().int().min(0).max(2), message: z.string().optional() }),
});
const exportShape = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(spanShape),
        }),
      ),
    }),
  ),
});

/** A span as it arrived, its attributes by their keys. */
export interface Received {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly status: { readonly code: number; readonly message?: string | undefined };
}

/** What it answers to one request. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** Starts it on a free port. @param reply  to the n-th request, from 0 on */
export async function startReceiver(reply: (request: number) => Reply | 'silence' = () => ({ status: 200 })) {
  const spans: Received[] = [];
  const requests: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }[] =
    [];
  const faults: unknown[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const answer = reply(requests.length);
    requests.push({ url: request.url ?? '', headers: request.headers, body });
    if (answer === 'silence') return;
    if (answer.status === 200) {
      try {
        spans.push(...spansOf(JSON.parse(body)));
      } catch (error) {
        faults.push(error);
      }
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, spans, requests, faults, close };
}

function spansOf(body: unknown): Received[] {
  return exportShape.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        service: String(valuesOf(resource.attributes)['service.name']),
        ...{ name: span.name, traceId: span.traceId, spanId: span.spanId, kind: span.kind },
        parent: span.parentSpanId ?? null,
        startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        attributes: valuesOf(span.attributes),
        status: span.status,
      })),
    ),
  );
}

function valuesOf(list: z.infer<typeof attributes>): Record<string, string | number | boolean> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      if ('intValue' in value) return [key, Number(value.intValue)];
      return [key, Object.values(value)[0] as string | number | boolean];
    }),
  );
}
