/**
 * The client of the API: one method per route, grouped by noun. Answers come in the shapes of shapes.ts whatever the
 * age of the server; faults come as the five errors of domain/errors.ts:
 *
 *   no connection, no answer in time, 408, 429, 5xx   UnavailableError KERUTA_ERR_API_UNAVAILABLE, or the server's own
 *   2xx that is not of the shape, redirects           UnavailableError KERUTA_ERR_API_ANSWER
 *   401, 403                                          DeniedError
 *   404, 405, 410                                     NotFoundError
 *   409                                               ConflictError; `details.offset` when there is an Upload-Offset
 *   other 4xx                                         InputError
 *
 * `details.status` is the HTTP status. When the signal of a call aborts, its reason is thrown.
 */
import type { Clock } from '../../../pkg/clock/clock.ts';
import type { Http } from '../../../pkg/http/http.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { Random } from '../../../pkg/random/random.ts';
import { normalizeBaseUrl } from '../base-url.ts';
import {
  type AgentCalls,
  agentCalls,
  type HealthCalls,
  healthCalls,
  type TokenCalls,
  tokenCalls,
} from './about.ts';
import { type ArtifactCalls, artifactCalls } from './artifacts.ts';
import { type AttemptCalls, attemptCalls } from './attempts.ts';
import { type AuditCalls, auditCalls } from './audit.ts';
import { type EventCalls, eventCalls } from './events.ts';
import { type GovernanceCalls, governanceCalls } from './governance.ts';
import { type LedgerCalls, ledgerCalls } from './ledger.ts';
import { type LogCalls, logCalls } from './logs.ts';
import { type NotificationCalls, notificationCalls } from './notifications.ts';
import { type SessionCalls, sessionCalls } from './sessions.ts';
import { type TaskCalls, taskCalls } from './tasks.ts';
import { makeTransport, type TransportParts } from './transport.ts';
import { type TriggerCalls, triggerCalls } from './triggers.ts';
import { type WatchCalls, watchCalls } from './watches.ts';
import { type WorkflowCalls, workflowCalls } from './workflows.ts';

/** The API, as the agent and the commands use it. */
export interface ApiClient {
  /** normalised: no slash at the end, no `/api/v1` */
  readonly baseUrl: string;
  readonly sessions: SessionCalls;
  readonly tasks: TaskCalls;
  readonly logs: LogCalls;
  readonly artifacts: ArtifactCalls;
  readonly attempts: AttemptCalls;
  readonly tokens: TokenCalls;
  readonly agents: AgentCalls;
  readonly health: HealthCalls;
  readonly events: EventCalls;
  readonly workflows: WorkflowCalls;
  readonly triggers: TriggerCalls;
  readonly watches: WatchCalls;
  readonly governance: GovernanceCalls;
  readonly ledger: LedgerCalls;
  readonly audit: AuditCalls;
  readonly notifications: NotificationCalls;
}

/** What a client is made of. */
export interface ApiClientParts {
  readonly http: Http;
  /** http or https; with or without a slash or `/api/v1` at the end */
  readonly baseUrl: string;
  /** asked before each request, so that a token can change; null = none is sent */
  readonly token: () => Promise<string | null> | string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** cap of one call with its repetitions, except uploads, downloads and streams; ms, default 30000 */
  readonly timeoutMs?: number;
  /** the same as long as the API has not answered at all; ms, default `timeoutMs` */
  readonly firstTimeoutMs?: number;
  /** how often a call is repeated after a fault that is worth it (see retryable.ts); default 0: the caller decides */
  readonly retries?: number;
}

/**
 * Makes a client. Nothing is sent yet.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE when the address is none
 */
export function makeApiClient(parts: ApiClientParts): ApiClient {
  const full: TransportParts = {
    ...parts,
    baseUrl: normalizeBaseUrl(parts.baseUrl),
    timeoutMs: parts.timeoutMs ?? 30_000,
    retries: parts.retries ?? 0,
  };
  const transport = makeTransport(full);
  return {
    baseUrl: full.baseUrl,
    sessions: sessionCalls(transport),
    tasks: taskCalls(transport, parts.random),
    logs: logCalls(transport),
    artifacts: artifactCalls(transport, parts.random),
    attempts: attemptCalls(transport),
    tokens: tokenCalls(transport),
    agents: agentCalls(transport),
    health: healthCalls(transport),
    events: eventCalls(transport, full),
    workflows: workflowCalls(transport),
    triggers: triggerCalls(transport),
    watches: watchCalls(transport),
    governance: governanceCalls(transport),
    ledger: ledgerCalls(transport),
    audit: auditCalls(transport),
    notifications: notificationCalls(transport),
  };
}
