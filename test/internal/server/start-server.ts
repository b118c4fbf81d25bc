import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import { buildServer, type ServerLimits } from '../../../internal/server/app.ts';
import type { Route } from '../../../internal/server/route.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { ensureAdminToken } from '../../../internal/session/tokens.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { type Log, silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

/** The admin token of test servers. */
export const adminToken = 'krt_adm_test-token-of-the-administrator';

/** A parsed answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** parsed when it is JSON, else the text; '' when empty */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers as a client without types does
  readonly body: any;
}

/** A real server over SQLite in memory, on a free port of 127.0.0.1. */
export interface TestServer {
  readonly url: string;
  readonly parts: SessionParts;
  readonly close: () => Promise<void>;
  /** Calls it; paths without `/` at the start stand under /api/v1. JSON bodies are sent as JSON, strings as they are. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer>;
}

/** The parts of a server for tests: SQLite in memory, blobs in a temporary directory. */
export async function openParts(
  clock: Clock = systemClock,
  log: Log = silentLog,
): Promise<SessionParts & { close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-server-'));
  const store = await openSqliteStore({ file: ':memory:', clock, log });
  const blob = openFileBlobStore({ directory, log });
  const close = async () => {
    await store.close();
    await blob.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { store, blob, clock, random: systemRandom, log, close };
}

/** Starts a server with one admin token, `adminToken`. */
export async function startServer(
  options: {
    readonly noAuth?: boolean;
    readonly clock?: Clock;
    readonly logger?: Log;
    readonly limits?: Partial<ServerLimits>;
    readonly routes?: readonly Route[];
    readonly parts?: Partial<SessionParts>;
  } = {},
): Promise<TestServer> {
  const { noAuth = false, clock, logger = silentLog, limits = {}, routes } = options;
  const opened = await openParts(clock, logger);
  const parts = { ...opened, ...options.parts };
  await ensureAdminToken(parts, { given: adminToken });
  const list = routes ? { routes } : {};
  const server = buildServer({ parts, noAuth, version: '0.0.0-test', logger, limits, ...list });
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    parts,
    close: async () => {
      await server.close();
      await opened.close();
    },
    call: async (method, path, body, headers = {}) => {
      const response = await fetch(url + (path.startsWith('/') ? path : `/api/v1/${path}`), {
        method,
        headers: { authorization: `Bearer ${adminToken}`, ...contentType(body), ...headers },
        ...(body === undefined ? {} : { body: toBody(body) }),
      });
      return readAnswer(response);
    },
  };
}

function contentType(body: unknown): Record<string, string> {
  return body === undefined || body instanceof FormData || body instanceof Uint8Array
    ? {}
    : { 'content-type': 'application/json' };
}

function toBody(body: unknown): NonNullable<RequestInit['body']> {
  if (typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array) {
    return body as NonNullable<RequestInit['body']>;
  }
  return JSON.stringify(body);
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') && text !== '';
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
