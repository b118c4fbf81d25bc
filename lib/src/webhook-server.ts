/** Listens for webhooks in the process of the user: small, and as strict as the server. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../../internal/domain/errors.ts';
import { isSigned } from '../../internal/trigger/webhook/signatures.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { refuseRequest } from '../../pkg/local-http/refuse-request.ts';
import { type Registry, registry, type Unit } from './registry.ts';
import { runUnit } from './run-unit.ts';
import type { RunRecord } from './types.ts';

/** How to listen. */
export interface ServeOptions {
  /** 0 = any that is free */
  readonly port: number;
  /** default `127.0.0.1` */
  readonly host?: string;
  /** signs the bodies: `X-Hub-Signature-256`, HMAC-SHA256 over the raw bytes, as GitHub does */
  readonly secret?: string | undefined;
  /** signs events of Slack (`slack.…`) as Slack does: the signing secret of its app; default: `secret` */
  readonly slackSecret?: string | undefined;
  /** `none`, written out: whoever reaches the address can fire the functions; on a loopback address only */
  readonly auth?: 'none';
  /** answers with what the functions returned instead of at once; default false */
  readonly wait?: boolean;
  /** told of every run when it has ended */
  readonly onRun?: (record: RunRecord) => void;
}

/** What listens. */
export interface Serving {
  /** the address */
  readonly url: string;
  /** the events that are heard */
  readonly events: readonly string[];
  /** Takes no more, waits for what runs. */
  close(): Promise<void>;
}

/** Largest body; bytes. GitHub's go up to 25 MiB. */
const maxBytes = { github: 25 * 1024 * 1024, other: 5 * 1024 * 1024 };
/** Deliveries that are remembered, so that one that comes again does not count. */
const maxDeliveries = 10_000;

interface Parts {
  readonly table: Registry;
  readonly options: ServeOptions;
  readonly stop: AbortSignal;
  readonly delivered: Set<string>;
  readonly running: Set<Promise<unknown>>;
}

/** @see webhook.serve */
export async function serveWebhooks(options: ServeOptions): Promise<Serving> {
  const { host = '127.0.0.1', port, secret, slackSecret, auth } = options;
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(host);
  if (!secret && !slackSecret && !(auth === 'none' && isLoopback))
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      "webhook.serve: expected a secret; without one, auth: 'none' has to be written, on 127.0.0.1 only",
    );
  const table = registry();
  table.started.add('webhook');
  if (table.onlyDescribes) return { url: '', events: [], close: async () => {} };
  const stopping = new AbortController();
  const parts: Parts = { table, options, stop: stopping.signal, delivered: new Set(), running: new Set() };
  const server = createServer((request, response) => {
    answer(parts, request, response).catch(() => reply(response, 500, { status: 'failed' }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  const events = [...new Set(hooks(table).map(({ event }) => event))].sort();
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    stopping.abort(new DOMException('the webhooks stop', 'AbortError'));
    await Promise.all(parts.running);
    await closed;
  };
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`, events, close };
}

function hooks(table: Registry): { readonly event: string; readonly unit: Unit }[] {
  return [...table.units.values()].flatMap((unit) =>
    unit.triggers
      .filter(({ type, enabled }) => type === 'webhook' && enabled !== false)
      .map(({ path }) => ({ event: String(path), unit })),
  );
}

async function answer(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const event = eventOf(request);
  const limit = isOfGitHub(event ?? '') ? maxBytes.github : maxBytes.other;
  const body = await readBody(request, limit);
  if (body === null)
    return reply(response, 413, { status: 'refused', reason: `more than ${limit} bytes` }, true);
  const found = hooks(parts.table).filter((hook) => hook.event === event);
  // an unknown event and a wrong signature are answered alike, so that nobody learns which events there are
  const isOwn = isTrusted(parts.options, event ?? '', { headers: request.headers, body });
  const passed = isOwn ? passedOver(request, parts.table) : null;
  if (passed !== null) return reply(response, 200, { status: passed });
  if (!isOwn || event === null || found.length === 0) return reply(response, 401, { status: 'refused' });
  const payload = parse(body, request.headers['content-type']);
  if (payload === undefined)
    return reply(response, 400, { status: 'refused', reason: 'the body is no JSON' });
  const slack = isOfSlack(event) ? (payload as SlackPayload | null) : null;
  if (slack?.type === 'url_verification') return reply(response, 200, { challenge: slack.challenge });
  const kind = slack?.event?.type;
  const isOther = kind !== undefined && /^slack\.[a-z_]+$/.test(event) && event !== `slack.${kind}`;
  if (isOther) return reply(response, 200, { status: 'skipped' });
  const { headers } = request;
  const id = headers['x-github-delivery'] ?? slack?.event_id ?? headers['idempotency-key'];
  if (typeof id === 'string' && !remember(parts.delivered, `${event} ${id}`))
    return reply(response, 200, { status: 'duplicate' });
  const runs = Promise.all(found.map(({ unit }) => run(parts, { unit, event, payload })));
  parts.running.add(runs);
  void runs.finally(() => parts.running.delete(runs));
  if (!parts.options.wait) return reply(response, 202, { status: 'accepted' });
  const records = await runs;
  const failed = records.find(({ status }) => status === 'failed');
  if (failed) return reply(response, 500, { status: 'failed', error: failed.error });
  const results = records.map(({ result }) => result ?? null);
  reply(response, 200, { status: 'success', result: results.length === 1 ? results[0] : results });
}

/** `/webhook/github.push`, or `/webhook/github` and the name in GitHub's header. */
function eventOf(request: IncomingMessage): string | null {
  const named = addressOf(request);
  return named === 'github' ? `github.${String(request.headers['x-github-event'] ?? '')}` : named;
}

function addressOf({ method, url }: IncomingMessage): string | null {
  const [, named] = /^\/webhook\/([A-Za-z0-9._-]{1,100})\/?(?:\?.*)?$/.exec(url ?? '') ?? [];
  return method === 'POST' ? (named ?? null) : null;
}

/** What GitHub sends to an address where it does not belong: a greeting, or an event that nobody there waits for. */
function passedOver(request: IncomingMessage, table: Registry): 'pong' | 'skipped' | null {
  const [address, sent] = [addressOf(request), request.headers['x-github-event']];
  const events = hooks(table).map(({ event }) => event);
  const isHere = address === 'github' ? events.some(isOfGitHub) : events.includes(address ?? '');
  if (typeof sent !== 'string' || !isHere || !isOfGitHub(`${address}.`)) return null;
  if (sent === 'ping') return 'pong';
  const waited = address === 'github' ? `github.${sent}` : address;
  return waited === `github.${sent}` && events.includes(waited) ? null : 'skipped';
}

const isOfGitHub = (event: string) => event.startsWith('github.');
const isOfSlack = (event: string) => event.startsWith('slack.');

/** What is looked at of what Slack sends. */
interface SlackPayload {
  readonly type?: unknown;
  readonly challenge?: unknown;
  readonly event_id?: unknown;
  readonly event?: { readonly type?: unknown } | null;
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > limit) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function isTrusted(
  { secret, slackSecret, auth }: ServeOptions,
  event: string,
  { headers, body }: { readonly headers: IncomingHttpHeaders; readonly body: Buffer },
): boolean {
  const type = isOfSlack(event) ? 'slack' : 'github';
  const key = type === 'slack' ? slackSecret || secret : secret;
  // without a secret a program on this machine is meant, and no page of a browser on it
  if (!key) return auth === 'none' && refuseRequest(headers, []) === null;
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return isSigned({ type }, { headers: texts, body, now: systemClock.now() }, [key]);
}

/** JSON, or a form with a field `payload` that holds it, which GitHub sends when it is not told otherwise. */
function parse(body: Buffer, contentType = ''): unknown {
  const text = body.toString('utf8');
  const isForm = contentType.startsWith('application/x-www-form-urlencoded');
  try {
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? text) : text);
  } catch {
    return undefined;
  }
}

/** @returns false when it was there */
function remember(delivered: Set<string>, key: string): boolean {
  if (delivered.has(key)) return false;
  delivered.add(key);
  const [oldest] = delivered;
  if (delivered.size > maxDeliveries && oldest !== undefined) delivered.delete(oldest);
  return true;
}

async function run(
  { table, options, stop }: Parts,
  { unit, event, payload }: { readonly unit: Unit; readonly event: string; readonly payload: unknown },
): Promise<RunRecord> {
  const wish = {
    unit,
    source: 'webhook',
    dueAt: systemClock.now(),
    input: payload,
    event,
    signal: stop,
  } as const;
  const record = await runUnit({ time: systemClock, table }, wish);
  options.onRun?.(record);
  return record;
}

function reply(response: ServerResponse, status: number, body: unknown, isEnd = false): void {
  if (response.headersSent) return;
  const headers = { 'content-type': 'application/json', ...(isEnd ? { connection: 'close' } : {}) };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
