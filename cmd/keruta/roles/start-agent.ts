/** Runs an agent in this process: for `keruta daemon` and `keruta up`. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, makeApiClient } from '../../../internal/api/client/client.ts';
import { detectAbilities } from '../../../internal/api/dialect.ts';
import { makeTaskSource } from '../../../internal/api/make-task-source.ts';
import { isRetryable } from '../../../internal/api/retryable.ts';
import { sendSpooled } from '../../../internal/api/send-spooled.ts';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import { runAgent } from '../../../internal/worker/agent.ts';
import type { AgentExit, AgentOptions } from '../../../internal/worker/agent-options.ts';
import type { AgentStatus } from '../../../internal/worker/agent-status.ts';
import type { AgentControl } from '../../../internal/worker/control.ts';
import { deliverSpool } from '../../../internal/worker/deliver-spool.ts';
import type { WatchBoard } from '../../../internal/worker/watch/watch-board.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { ApiAccess } from '../client.ts';
import type { CommandContext } from '../command.ts';
import { replaceFile } from '../own-file.ts';
import { ownFilesOf } from '../own-places.ts';
import { frontScript } from '../task-commands/front.ts';
import { warnOfPlainHttp } from '../transport.ts';
import { executorOf } from './executor-of.ts';
import { hasCoder } from './has-coder.ts';
import { writePidFile } from './pid-file.ts';
import { poolOf } from './pool-of.ts';
import { repositoriesOf } from './repositories.ts';
import { selfCommand } from './self.ts';
import { lastSpansMs, openTraces } from './traces.ts';

/** What an agent is started with. */
export interface AgentStart {
  readonly context: CommandContext;
  readonly settings: LoadedSettings;
  readonly access: ApiAccess;
  readonly control: AgentControl;
  readonly log: Log;
  /** finds the session; asked again while the API is away */
  readonly findSession: (client: ApiClient) => Promise<{ readonly id: string }>;
  /** @see AgentOptions.withheld */
  readonly withheld?: () => Promise<readonly string[]>;
  /** what all agents of this process watch; default: what this one does */
  readonly board?: WatchBoard;
  /** called once when it begins to take tasks */
  readonly onReady?: (status: AgentStatus) => void;
  /** for one of several agents of this process: it has no local API, and clones of its own below its base directory */
  readonly beside?: {
    /** file mode mask of scripts, as it was before any agent of this process began */
    readonly umask: number;
  };
}

/** Longest claim that waits at the server; ms. */
const claimWaitMs = 10_000;
/** Pauses while the API is away at the start; ms. */
const [firstPauseMs, longestPauseMs] = [500, 15_000];

/** Runs an agent to its end. @throws what `runAgent` throws, and the errors of the API that waiting does not mend */
export async function startAgent(start: AgentStart): Promise<AgentExit> {
  const { context, settings, access, control, log } = start;
  const { values } = settings;
  const { clock, random } = context;
  const commands = runCommandsOf(values.baseDir);
  const umask = start.beside?.umask ?? process.umask();
  const executor = await executorOf({ context, settings, log, umask, executable: commands.executable });
  warnOfPlainHttp(access.url, { log, env: context.env });
  const http = makeHttp({
    userAgent: `keruta/${context.version}`,
    connectMs: values.connectTimeout,
    headersMs: values.firstByteTimeout,
    stallMs: values.stallTimeout,
  });
  const client = makeApiClient({
    http,
    baseUrl: access.url,
    token: () => access.token,
    clock,
    random,
    log,
  });
  const waiting = { context, log, signal: control.draining };
  const session = await untilThere(waiting, () => start.findSession(client));
  if (session === null) return { why: 'stopped', tasks: 0 };
  const options = agentOptionsOf(start, { sessionId: session.id, executable: commands.executable });
  void deliverSpool(
    {
      clock,
      log,
      directory: join(values.baseDir, 'spool'),
      apiUrl: client.baseUrl,
      send: (request) => sendSpooled({ http, token: access.token }, request),
    },
    control.draining,
  );
  closeRepositories(options);
  const spans = await openTraces({ context, values, log, service: 'keruta-agent' });
  const running = runAgent(
    {
      clock,
      random,
      log,
      ...(spans === null ? {} : { spans }),
      executor,
      ...(start.onReady === undefined ? {} : { onReady: start.onReady }),
      watches: {
        home: context.home,
        ...(start.board === undefined ? {} : { board: start.board }),
        source: {
          claim: (agentId, signal) => client.watches.claim(session.id, agentId, { signal }),
          fire: (triggerId, body, signal) => client.watches.fire(triggerId, body, { signal }),
        },
      },
      pool: () => poolOf({ ...context, log }, settings),
      heal: () => {
        if (!existsSync(join(values.baseDir, 'bin', 'keruta'))) commands.write();
        if (values.pidFile !== null && !existsSync(values.pidFile)) writePidFile(values.pidFile, process.pid);
      },
      // Called when the base directory is known to be ours.
      source: async (agentId) => {
        commands.write();
        const abilities = await untilThere(waiting, () =>
          detectAbilities(client, { signal: control.draining }),
        );
        return makeTaskSource({
          client,
          clock,
          random,
          log,
          abilities: abilities ?? new Set(),
          sessionId: session.id,
          workspaceId: values.workspaceId,
          pollMs: values.pollInterval,
          agentId,
          agent: {
            ...{ hostname: hostname(), version: context.version },
            // an older server does not know them
            ...(values.labels === null ? {} : { labels: [...values.labels] }),
          },
        });
      },
    },
    options,
    control,
  );
  return running.finally(() => spans?.close(lastSpansMs));
}

/**
 * Keeps what git writes below the base directory from others, by the file mode mask of this process; everything else there
 * has modes of its own. A clone elsewhere gets the modes that the user's mask gives, and so do the files of scripts.
 */
function closeRepositories({ baseDirectory, repositoriesDirectory }: AgentOptions): void {
  const isBelow = `${repositoriesDirectory}/`.startsWith(`${baseDirectory}/`);
  if (isBelow) process.umask(process.umask() | 0o077);
}

/** How the agent of these settings behaves. */
export function agentOptionsOf(
  { context, settings, access, beside, withheld }: AgentStart,
  found: { readonly sessionId: string; readonly executable: string },
): AgentOptions {
  const { values, origins } = settings;
  return {
    ...found,
    baseDirectory: values.baseDir,
    repositoriesDirectory:
      beside === undefined ? repositoriesOf(settings, context.home) : join(values.baseDir, 'repos'),
    ownFiles: ownFilesOf(settings),
    workingDirectory: values.workingDir,
    trustWorkingDirectory: values.trustWorkingDir,
    allowLocalGit: values.allowLocalGit,
    gitTimeoutMs: values.gitTimeout,
    allowedRepositories: values.allowedRepositories,
    workspaceId: values.workspaceId ?? '',
    apiUrl: access.url,
    apiToken: access.token ?? '',
    version: context.version,
    pid: process.pid,
    uid: context.uid,
    environment: process.env,
    ...(withheld === undefined ? {} : { withheld }),
    binDirectory: join(values.baseDir, 'bin'),
    once: values.once,
    keepAlive: values.keepAlive,
    exitOnIdleMs: values.exitOnIdle,
    maxUptimeMs: values.maxUptime,
    claimWaitMs,
    graceMs: values.cancelGrace,
    cleanUpMs: values.cleanupWindow,
    minFreeDiskBytes: values.minFreeDisk,
    artifacts: {
      directory: values.artifactsDir,
      extraDirectories: ['/.keruta/doc'],
      maxFileBytes: values.maxFileSize,
    },
    runnerConfig: values.runnerConfig,
    inContainers: values.executor !== 'local',
    autoFix: {
      enabled: values.autoFix,
      command: values.autoFixCommand,
      byAgent: values.autoFixByAgent && hasCoder(values.runnerConfig),
    },
    localApi:
      beside === undefined
        ? {
            host: values.daemonHost,
            port: origins.daemonPort.from === 'default' ? null : values.daemonPort,
            allowRemote: values.allowRemote,
            acceptInput: values.useHttpInput,
          }
        : null,
  };
}

/** The commands that runs find on their PATH, and the full executable as one path. */
export function runCommandsOf(baseDir: string): { readonly executable: string; readonly write: () => void } {
  const bin = join(baseDir, 'bin');
  const self = selfCommand();
  const full = join(bin, 'keruta-full');
  const words = self.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const put = (file: string, text: string) => {
    replaceFile(file, text, String(process.pid));
    chmodSync(file, 0o700);
  };
  return {
    executable: self.length === 1 ? self[0] : full,
    write: () => {
      mkdirSync(bin, { recursive: true, mode: 0o700 });
      put(join(bin, 'keruta'), frontScript(self));
      put(join(bin, 'keruta-agent'), frontScript(self));
      if (self.length > 1) put(full, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
    },
  };
}

/** Repeats a call while the API is away. @returns null when the signal ended the wait */
async function untilThere<T>(
  {
    context,
    log,
    signal,
  }: { readonly context: CommandContext; readonly log: Log; readonly signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T | null> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await call();
    } catch (error) {
      if (signal.aborted) return null;
      if (!isRetryable(error)) throw error;
      log.warn('the API is away; it is asked again', { error, pauseMs });
    }
    try {
      await context.clock.sleep(pauseMs, signal);
    } catch {
      return null;
    }
  }
}
