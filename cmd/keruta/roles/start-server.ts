/** Starts a server in this process: for `keruta server` and `keruta up`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SettingValues } from '../../../internal/config/table.ts';
import { ConflictError, InputError } from '../../../internal/domain/errors.ts';
import type { HealthWord } from '../../../internal/server/routes/health.ts';
import type { Emailing } from '../../../internal/session/email-loop.ts';
import type { HostedSession } from '../../../internal/session/hosted-sessions.ts';
import type { LedgerKeeping } from '../../../internal/session/ledger-loop.ts';
import type { Sending } from '../../../internal/session/outbox.ts';
import type { GithubParts } from '../../../internal/session/parts.ts';
import type { Retaining } from '../../../internal/session/retention-loop.ts';
import { makeSecondMask } from '../../../internal/session/second-mask.ts';
import type { Sweeping } from '../../../internal/session/sweep.ts';
import type { Triggering } from '../../../internal/session/trigger-loop.ts';
import { leastSecretBytes } from '../../../internal/trigger/webhook/secret-ref.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { CommandContext } from '../command.ts';
import { replaceFile } from '../own-file.ts';
import { ownSecrets } from '../own-mask.ts';
import { readServerState, writeServerState } from '../server-state.ts';
import { BackgroundLoops } from './background-loops.ts';
import { makeGithubParts } from './github-parts.ts';
import { openNotify } from './notify-parts.ts';
import { openState } from './open-state.ts';

/** A server that listens. */
export interface StartedServer {
  /** the address to call it by */
  readonly url: string;
  /** the address of the port that takes webhooks only; null when there is none */
  readonly webhooksUrl: string | null;
  /** an admin token; null without authentication */
  readonly token: string | null;
  /** the file that holds the admin token; null when there is none */
  readonly tokenFile: string | null;
  /** Names of the variables that hold the secrets of its webhooks, as they are now. */
  secretVariables(): Promise<readonly string[]>;
  /** Sessions that enabled workflows name. */
  hostedSessions(): Promise<readonly HostedSession[]>;
  /** Those of some sessions in which an agent has something to do. */
  sessionsWithWork(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Lets requests end, stops the sweep, closes the store. Twice is once. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: no authentication on an address that others reach
 * @throws {ConflictError} KERUTA_ERR_PORT_TAKEN, KERUTA_ERR_SERVER_RUNNING, KERUTA_ERR_DIRECTORY
 */
export async function startServer(
  context: CommandContext,
  values: SettingValues,
  log: Log,
): Promise<StartedServer> {
  const { serverHost: host, serverPort: port, dataDir } = values;
  if (values.devNoAuth && !isLoopback(host)) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `--dev-no-auth is for loopback addresses only, and ${host} can be reached by others; use --host 127.0.0.1, or tokens`,
    );
  }
  const { buildServer } = await import('../../../internal/server/app.ts');
  const { observe } = await import('../../../internal/server/observe.ts');
  const { startSweep } = await import('../../../internal/session/sweep.ts');
  const { startTriggers } = await import('../../../internal/session/trigger-loop.ts');
  const { makeTriggerHost } = await import('../../../internal/session/trigger-host.ts');
  const { secretVariables } = await import('../../../internal/session/secret-variables.ts');
  const { HostedSessions } = await import('../../../internal/session/hosted-sessions.ts');
  const { sessionsWithWork } = await import('../../../internal/session/sessions-with-work.ts');
  const { startLedger } = await import('../../../internal/session/ledger-loop.ts');
  const { startRetention } = await import('../../../internal/session/retention-loop.ts');
  const { startEmail } = await import('../../../internal/session/email-loop.ts');
  const { startReports } = await import('../../../internal/session/report-loop.ts');
  const { startNotifications } = await import('../../../internal/session/notify/notify-loop.ts');
  const { lastSpansMs, openTraces } = await import('./traces.ts');
  const { taskTraces } = await import('../../../internal/session/watch/task-traces.ts');
  const { mailAccount } = await import('./mail-account.ts');
  const { makeHttp } = await import('../../../pkg/http/http.ts');
  const { readZone } = await import('../../../internal/trigger/cron/zone.ts');
  const { defaultParts } = await import('./default-parts.ts');
  const { clock, random } = context;
  const account = await mailAccount(values, clock);
  const { databaseUrl, autoMigrate: migrates } = values;
  const wanted = { dataDir, databaseUrl, migrates, uid: context.uid, clock, log };
  const state = await openState(wanted).catch((error: unknown) => {
    throw namingHolder(error, dataDir);
  });
  const loops = new BackgroundLoops(log);
  const undo: (() => Promise<unknown> | unknown)[] = [state.close];
  const close = closeOnce(undo);
  try {
    const traces = await openTraces({ context, values, log, service: 'keruta-server' });
    undo.push(() => traces?.close(lastSpansMs));
    const tellers = traces === null ? [] : [taskTraces(traces)];
    const observed = observe({ store: state.store, clock, log, tellers });
    undo.push(observed.close);
    const { lease: leaseMs, bootGrace: bootGraceMs, lostHold: lostHoldMs } = values;
    const http = makeHttp({ userAgent: `keruta/${context.version}` });
    undo.push(() => http.close());
    const github = await makeGithubParts(values, { http, clock });
    warnOfSecrets(github, log);
    const triggerHost = makeTriggerHost({
      isLoopback: isLoopback(host),
      variable: (name) => context.env[name],
    });
    const { app, publicUrl } = github;
    const told = await openNotify(context, values, {
      clock,
      github: app,
      publicUrl,
      secret: triggerHost.secret,
    });
    undo.push(() => told?.close());
    const timing = { leaseMs, bootGraceMs, lostHoldMs };
    const parts = {
      store: observed.store,
      blob: state.blob,
      clock,
      random,
      log,
      timing,
      isTraced: traces !== null,
      maxArtifactBytes: values.maxFileSize,
      maxLogViewBytes: values.maxLogView,
      maxFixesPerHour: values.autoFixPerHour,
      maxTasksPerMinute: values.maxTasksPerMinute,
      maxPendingTasks: values.maxPendingTasks,
      ledgerBatch: values.ledgerBatch,
      ledgerKeepMs: values.ledgerKeep,
      tasksKeepMs: values.tasksKeep,
      timeZone: readZone(values.timeZone),
      ...defaultParts(values),
      triggerHost,
      github,
      ...(told === null ? {} : { notify: told.notify }),
      secondMask: makeSecondMask(ownSecrets(context.env, values)),
    };
    const token = await adminToken(parts, values);
    let sweep: Sweeping | null = null;
    let triggers: Triggering | null = null;
    let emailing: Emailing | null = null;
    let reporting: Sending | null = null;
    let notifying: Sending | null = null;
    const problems = () =>
      [sweep?.problem() ?? null, triggers?.problem() ?? null].filter((problem) => problem !== null);
    let keeping: LedgerKeeping | null = null;
    let retaining: Retaining | null = null;
    const doubts = () =>
      [triggers, emailing, reporting, notifying, keeping, retaining].flatMap((one) => one?.doubts() ?? []);
    const { version } = context;
    const limits = limitsOf(values);
    const { metrics } = observed;
    const onHealth = (health: () => Promise<HealthWord>) =>
      observed.show(parts, { health, droppedSpans: () => traces?.dropped ?? null });
    const served = {
      ...{ version, limits, logger: log, problems, doubts },
      ...{ broken: () => loops.broken, metrics, onHealth },
    };
    const options = { parts, noAuth: values.devNoAuth, ...served };
    const server = buildServer(options);
    undo.push(() => server.close());
    const { url } = await server.listen({ host, port });
    undo.push(writeServerState(dataDir, url, process.pid));
    sweep = startSweep(parts, loops.signal);
    undo.push(loops.keep('the sweep of leases', sweep.ended));
    const { loadAutomation } = await import('./load-automation.ts');
    await loadAutomation(parts, { context, log });
    const { listenForWebhooks } = await import('./webhook-listener.ts');
    const hooks = await listenForWebhooks(context, options, { host, serverPort: port });
    undo.push(() => hooks.close());
    triggers = startTriggers(parts, loops.signal);
    undo.push(loops.keep('the loop of triggers', triggers.ended));
    emailing = startEmail(parts, account, loops.signal);
    undo.push(loops.keep('the loop of mail', emailing.ended));
    if (github.app !== null) {
      reporting = startReports(parts, github.app, loops.signal);
      undo.push(loops.keep('the loop of reports', reporting.ended));
    }
    notifying = startNotifications(parts, loops.signal);
    undo.push(loops.keep('the loop of notifications', notifying.ended));
    keeping = startLedger(parts, loops.signal);
    undo.push(loops.keep('the loop of the ledger', keeping.ended));
    retaining = startRetention(parts, loops.signal);
    undo.push(loops.keep('the loop of retention', retaining.ended));
    const hosted = new HostedSessions(parts);
    const inFile = token !== null && values.adminToken === null;
    return {
      url,
      webhooksUrl: hooks.url,
      token,
      tokenFile: inFile ? join(dataDir, 'admin.token') : null,
      secretVariables: async () => [...(await secretVariables(parts)), ...(told?.secretVariables ?? [])],
      hostedSessions: () => hosted.current(),
      sessionsWithWork: (ids) => sessionsWithWork(parts, ids),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Adds to an error who has the data directory: it stands in there. */
export function namingHolder(error: unknown, dataDir: string): unknown {
  if (!(error instanceof ConflictError) || error.code !== 'KERUTA_ERR_SERVER_RUNNING') return error;
  const holder = readServerState(dataDir);
  if (holder === null) return error;
  const who = `${error.message}. It is process ${holder.pid}, at ${holder.url}`;
  return new ConflictError(error.code, who, { cause: error });
}

function warnOfSecrets({ secrets }: GithubParts, log: Log): void {
  for (const secret of secrets) {
    const bytes = Buffer.byteLength(secret);
    if (bytes < leastSecretBytes)
      log.warn('GITHUB_WEBHOOK_SECRET can be guessed; take a longer one', {
        bytes,
        leastBytes: leastSecretBytes,
      });
  }
}

function limitsOf(values: SettingValues) {
  const { requestsPerSecond, adminRequestsPerSecond, sessionRequestsPerSecond, maxStreamClients } = values;
  const { maxConnections, maxConnectionsPerAddress, trustedProxies } = values;
  return {
    ...{ requestsPerSecond, adminRequestsPerSecond, sessionRequestsPerSecond, maxStreamClients },
    ...{ maxConnections, maxConnectionsPerAddress, trustedProxies: trustedProxies ?? [] },
  };
}

/** Closes in reverse order of opening; one that fails does not keep the others from closing. */
function closeOnce(undo: (() => Promise<unknown> | unknown)[]): () => Promise<void> {
  let closing: Promise<void> | null = null;
  const closeAll = async () => {
    let fault: { readonly error: unknown } | null = null;
    for (const action of undo.toReversed()) {
      try {
        await action();
      } catch (error) {
        fault ??= { error };
      }
    }
    if (fault) throw fault.error;
  };
  return () => {
    closing ??= closeAll();
    return closing;
  };
}

type TokenParts = Parameters<typeof import('../../../internal/session/tokens.ts').ensureAdminToken>[0];

/** The admin token: the one that was given, the one of the file, or a new one that is written there (0600). */
async function adminToken(parts: TokenParts, values: SettingValues): Promise<string | null> {
  if (values.devNoAuth) return null;
  const { ensureAdminToken, hashToken } = await import('../../../internal/session/tokens.ts');
  if (values.adminToken !== null) {
    await ensureAdminToken(parts, { given: values.adminToken });
    return values.adminToken;
  }
  const file = join(values.dataDir, 'admin.token');
  const kept = readText(file);
  const known = kept === null ? null : await parts.store.tokenByHash(hashToken(kept));
  if (kept !== null && known !== null && known.revokedAt === null) return kept;
  const made = await ensureAdminToken(parts, { fresh: true });
  if (made !== null) replaceFile(file, `${made}\n`, parts.random.secret(6));
  return made;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
