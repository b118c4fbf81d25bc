/** Where traces go, from the settings; nowhere unless an endpoint is set. */
import type { SettingValues } from '../../../internal/config/table.ts';
import { InputError } from '../../../internal/domain/errors.ts';
import type { Http } from '../../../pkg/http/http.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Attributes } from '../../../pkg/trace/otlp.ts';
import type { SendResult, SpanExporter } from '../../../pkg/trace/span-exporter.ts';
import type { CommandContext } from '../command.ts';

/** How long a program that ends sends what is left; ms. */
export const lastSpansMs = 2_000;

/** What traces need. */
export interface TracesWish {
  readonly context: Pick<CommandContext, 'clock' | 'version'>;
  readonly values: SettingValues;
  readonly log: Log;
  /** the default name of the service */
  readonly service: 'keruta-server' | 'keruta-agent';
}

/**
 * Opens the way of traces to their receiver.
 * @returns null when no endpoint is set, or traces are switched off
 * @throws {InputError} KERUTA_ERR_BAD_VALUE for an address, headers or attributes that cannot be read
 */
export async function openTraces(wish: TracesWish): Promise<SpanExporter | null> {
  const { context, values, log, service } = wish;
  const url = values.tracesOff ? null : tracesUrl(values);
  if (url === null) return null;
  const headers = pairsOf('OTEL_EXPORTER_OTLP_HEADERS', values.otlpHeaders);
  const resource: Attributes = {
    ...pairsOf('OTEL_RESOURCE_ATTRIBUTES', values.traceResource),
    'service.name': values.traceService ?? service,
    'service.version': context.version,
    'process.pid': process.pid,
  };
  const { SpanExporter } = await import('../../../pkg/trace/span-exporter.ts');
  const { makeHttp } = await import('../../../pkg/http/http.ts');
  const http = makeHttp({ userAgent: `keruta/${context.version}`, maxResponseBytes: 1024 * 1024 });
  const source = { resource, scope: { name: 'keruta', version: context.version } };
  const send = (body: string, signal: AbortSignal) => post(http, { url, headers, body, signal });
  log.info('traces are sent', { url });
  return new SpanExporter({ clock: context.clock, log, source, send });
}

/** @throws {InputError} KERUTA_ERR_BAD_VALUE */
function tracesUrl({ otlpEndpoint, otlpTracesEndpoint }: SettingValues): string | null {
  const [name, text] =
    otlpTracesEndpoint !== null
      ? ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', otlpTracesEndpoint]
      : ['OTEL_EXPORTER_OTLP_ENDPOINT', otlpEndpoint];
  if (text === null) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && url.username === '' && url.password === '';
  if (url === null || !/^https?:$/.test(url.protocol) || !isPlain) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `${name}: expected an address such as http://localhost:4318, without user and password (those go into OTEL_EXPORTER_OTLP_HEADERS)`,
    );
  }
  if (otlpTracesEndpoint === null) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

/** Reads `name=value,name=value`. The values are never shown. @throws {InputError} KERUTA_ERR_BAD_VALUE */
function pairsOf(name: string, text: string | null): Record<string, string> {
  const pairs = (text ?? '').split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair, index) => {
      const at = pair.indexOf('=');
      const key = pair.slice(0, Math.max(0, at)).trim();
      if (!/^[\w.!#$%&'*+^`|~-]+$/.test(key)) {
        throw new InputError(
          'KERUTA_ERR_BAD_VALUE',
          `${name}: expected name=value,name=value; part ${index + 1} is not of that form`,
        );
      }
      return [key.toLowerCase(), decoded(pair.slice(at + 1).trim())];
    }),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Answers that a repetition may mend. @see https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const worthAgain: readonly number[] = [429, 502, 503, 504];

async function post(
  http: Http,
  request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
  },
): Promise<SendResult> {
  const { url, body, signal } = request;
  const headers = { ...request.headers, 'content-type': 'application/json' };
  const answer = await http.request({ method: 'POST', url, headers, body, signal });
  if (answer.status >= 200 && answer.status < 300) {
    const said = await answer.json().catch(() => null);
    return { kind: 'taken', rejected: rejectedOf(said) };
  }
  await answer.discard();
  const why = `the receiver of traces answers ${answer.status}`;
  return { kind: worthAgain.includes(answer.status) ? 'again' : 'refused', why };
}

/** How many spans a receiver that took the rest refused. */
function rejectedOf(said: unknown): number {
  const { partialSuccess } = (said ?? {}) as {
    readonly partialSuccess?: { readonly rejectedSpans?: unknown };
  };
  const count = Number(partialSuccess?.rejectedSpans ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
