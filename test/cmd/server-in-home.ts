import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { CommandContext } from '../../cmd/keruta/command.ts';
import { type StartedServer, startServer } from '../../cmd/keruta/roles/start-server.ts';
import { type ApiClient, makeApiClient } from '../../internal/api/client/client.ts';
import { loadSettings } from '../../internal/config/load-settings.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../pkg/http/http.ts';
import { type Log, silentLog } from '../../pkg/log/log.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { type CliOptions, type CliResult, cli } from './harness.ts';

/** How a server of a test differs from others. */
export interface ServerWish {
  /** settings, as variables; the port is a free one unless they say another */
  readonly env?: Readonly<Record<string, string>>;
  /** what the server's process has in its environment beside its settings, such as secrets of webhooks */
  readonly variables?: Readonly<Record<string, string>>;
  readonly log?: Log;
}

/** Starts a server as `keruta server` does, in this process; its files are below the home, where commands find it. */
export function startServerIn(home: string, wish: ServerWish = {}): Promise<StartedServer> {
  const uid = process.getuid?.() ?? 0;
  const { env = {}, variables = {}, log = silentLog } = wish;
  const parts = { clock: systemClock, random: systemRandom, uid, version: '9.9.9' };
  const context = { ...parts, home, cwd: home, env: variables } as unknown as CommandContext;
  const sources = { env: { PORT: '0', ...env }, isServer: true, home, uid, cwd: home };
  return startServer(context, loadSettings(sources).values, log);
}

/** A server that is there for all tests of a file. */
export interface UsedServer {
  /** gone after the tests */
  readonly home: string;
  readonly server: StartedServer;
  /** Runs a command against it, in the home. */
  keruta(words: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** A client with the token of the administrator, for what only agents say. */
  api(): ApiClient;
}

/** Starts a server before the tests of a file, or of the `describe` that this is called in, and closes it after them. */
export function useServer(wish: ServerWish = {}): UsedServer {
  let home = '';
  let server: StartedServer;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'keruta-server-'));
    server = await startServerIn(home, wish);
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  });
  return {
    get home() {
      return home;
    },
    get server() {
      return server;
    },
    keruta: (words, { env, ...options } = {}) =>
      cli(words, { home, cwd: home, env: { KERUTA_API_URL: server.url, ...env }, ...options }),
    api: () =>
      makeApiClient({
        http: makeHttp({ userAgent: 'test' }),
        baseUrl: server.url,
        token: () => server.token,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      }),
  };
}
