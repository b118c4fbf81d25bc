/**
 * Where state rests: the port, and its laws. Two adapters (SQLite, PostgreSQL) over shared queries pass one suite.
 *
 * Laws, each a test of the contract suite:
 * - everything written inside one `transact` is there or not there together; what it returned was durable before the
 *   promise resolved; a throw inside undoes all of it;
 * - a `transact` sees the effect of every one that ended before it began; two never interleave on the same session
 *   (`lockSession` first), so that a rule checked inside still holds when it commits;
 * - inside `transact` nothing else is awaited than the store: on SQLite all writers share one connection;
 * - `notify` inside a transaction reaches listeners after, and only after, it commits, on every server that shares the
 *   database; it only says "look": it may come twice, or without change;
 * - U+0000 in text is stored as U+FFFD; JSON values come back as they went in;
 * - lists are in the order that their method states, ties broken by id in the same direction; text is compared byte
 *   by byte;
 * - a schema newer than this program is refused (KERUTA_ERR_SCHEMA_NEWER) and left alone; a damaged file is refused
 *   (KERUTA_ERR_STORE_DAMAGED), never recreated.
 *
 * No method but `now` and `leaseNow` reads a clock: times are parameters.
 */
import type { Attempt, StreamState } from '../domain/attempt.ts';
import type {
  Agent,
  Artifact,
  AuditEntry,
  Document,
  InputRequest,
  LiveEvent,
  Repository,
  SessionLog,
  TaskLog,
  Token,
} from '../domain/records.ts';
import type { Session, SessionStatus } from '../domain/session.ts';
import type { NeedState, StreamName, Task } from '../domain/task.ts';
import type { TaskStatus } from '../domain/task-status.ts';
import type { GovernanceReads, GovernanceWrites } from './governance-store.ts';
import type { LedgerReads, LedgerWrites } from './ledger-store.ts';
import type { NotificationReads, NotificationWrites } from './notification-store.ts';
import type { MetaLife, RetentionReads, RetentionWrites } from './retention-store.ts';
import type { WorkflowReads, WorkflowWrites } from './workflow-store.ts';

/** The store. */
export interface Store extends Reads {
  /** The time that stamps are made of: the process clock on SQLite, the database's on PostgreSQL; epoch ms. */
  now(): Promise<number>;
  /** The time that leases are measured in: monotonic on SQLite (rebased at start), the database's on PostgreSQL; ms. */
  leaseNow(): Promise<number>;
  /**
   * Does some writing, all or nothing.
   * @param work  called with the open transaction; on PostgreSQL possibly again after a serialization failure, so it
   *              must not have effects of its own
   * @throws whatever `work` throws; {UnavailableError} KERUTA_ERR_STORE_UNAVAILABLE, KERUTA_ERR_DISK_FULL
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Calls `listener` whenever something was notified under the topic, until the returned function is called.
   * Listeners are called one after another, must not throw, and should only wake something.
   */
  subscribe(topic: Topic, listener: () => void): () => void;
  /** Wakes the listeners of a topic without a transaction (for bytes, which rest in the blob store). */
  notify(topic: Topic): void;
  /** Whether the store takes writes now. */
  health(): Promise<{ readonly ok: boolean; readonly message: string }>;
  close(): Promise<void>;
}

/**
 * What listeners wait for: `session:<id>` for all that concerns a session and its tasks; `sessions` for the list;
 * `triggers` when one of them may fall due earlier than thought; `reports` and `notifications` likewise.
 */
export type Topic = `session:${string}` | 'sessions' | 'triggers' | 'reports' | 'notifications';

/** Filters for lists of tasks; absent = any. */
export interface TaskFilter {
  readonly sessionId?: string;
  readonly statuses?: readonly TaskStatus[];
  readonly parentTaskId?: string;
  readonly workspaceId?: string;
  /** not those that may only be claimed later than this, nor those that wait for other tasks; epoch ms */
  readonly dueBy?: number;
}

/** What is asked of the queue. */
export interface NextTask {
  readonly sessionId: string;
  /** epoch ms */
  readonly now: number;
  /** groups that have no room */
  readonly outside: readonly string[];
  /** of who asks: tasks that need a skill which is not among them are passed by; empty or left out = any task */
  readonly labels?: readonly string[];
}

/** A waiting task gains 1 of priority each time; ms. So nothing starves, however many tasks come before it. */
export const ageingMs = 600_000;

/** Filters for structured logs; absent = any. */
export interface LogFilter {
  readonly level?: string;
  readonly source?: string;
  /** inclusive; epoch ms */
  readonly from?: number;
  /** inclusive; epoch ms */
  readonly to?: number;
}

/** A part of a list. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** How much there is of what changes all the time. */
export interface StoreFigures {
  /** tasks that are not at their end; a status without tasks may be missing */
  readonly tasks: readonly { readonly status: TaskStatus; readonly count: number }[];
  /** tasks that could be claimed now; `oldestAt`: since when the first of them could be; epoch ms; null = there is none */
  readonly queue: { readonly count: number; readonly oldestAt: number | null };
  readonly triggers: { readonly awake: number; readonly held: number; readonly disabled: number };
  readonly agents: number;
  /** names of workflows whose breaker was left open or half open, also when nothing asks for it any more; at most 200 */
  readonly openBreakers: readonly string[];
}

/** What may be asked at any time, inside a transaction or not. A thing that is not there is null. */
export interface Reads
  extends WorkflowReads,
    GovernanceReads,
    LedgerReads,
    NotificationReads,
    RetentionReads {
  session(id: string): Promise<Session | null>;
  sessionByName(name: string): Promise<Session | null>;
  sessionByWorkspace(workspaceId: string): Promise<Session | null>;
  /** Newest first. `name`: case-insensitive substring; `idPrefix`: case-insensitive; `tag`: exact. */
  sessions(filter: {
    readonly name?: string;
    readonly idPrefix?: string;
    readonly status?: SessionStatus;
    readonly tag?: string;
  }): Promise<Session[]>;
  task(id: string): Promise<Task | null>;
  /** `queue`: priority descending, then oldest, then id (the order of execution); `newest`: newest first. */
  tasks(filter: TaskFilter, order: 'queue' | 'newest', page?: Page): Promise<Task[]>;
  countTasks(filter: TaskFilter): Promise<number>;
  /**
   * The task of a session that is to be run next: of those that are PENDING, whose time has come, that wait for no other task
   * and are in none of the groups `outside`, the one with the highest priority, to which 1 is added for every `ageingMs` that it has
   * waited; then the oldest.
   */
  nextTask(wish: NextTask): Promise<Task | null>;
  /** When the next PENDING task of a session falls due that is not to be claimed yet at `now`; null when none is. */
  nextNotBefore(sessionId: string, now: number): Promise<number | null>;
  /**
   * How many attempts run in a group: open ones, and lost ones whose lease ended after `lostSince` (in lease time), since
   * their processes may still run.
   */
  groupLoad(group: string, lostSince: number): Promise<number>;
  /** Sessions with PENDING tasks of a group, at most 1000. */
  groupSessions(group: string): Promise<string[]>;
  /**
   * Sessions that could begin a task of a group at `now`, at most 1000: one waits whose time has come, none of the session runs, and
   * an agent that has nothing to do, and may take it by its labels, was seen there at `seenSince` or later.
   */
  groupRivals(group: string, when: { readonly now: number; readonly seenSince: number }): Promise<string[]>;
  /**
   * Those of the sessions in which an agent has something to do: a task waits whose time has come, or one is LOST.
   * @param ids  at most 1000
   */
  sessionsWithWork(ids: readonly string[], now: number): Promise<string[]>;
  /** What a task waits for, or waited for. */
  needs(taskId: string): Promise<{ readonly id: string; readonly state: NeedState }[]>;
  /** Tasks that wait, or waited, for this one; by session, then by id. */
  tasksThatNeed(id: string): Promise<Task[]>;
  taskByIdempotencyKey(key: string): Promise<{ task: Task; fingerprint: string } | null>;
  attempt(taskId: string, number: number): Promise<Attempt | null>;
  /** Oldest first. */
  attempts(taskId: string): Promise<Attempt[]>;
  /** Attempts in state `claimed` or `exited` of a session: at most one is the law, `lost` ones not counted. */
  openAttempts(sessionId: string): Promise<Attempt[]>;
  attemptByClaim(agentId: string, claimId: string): Promise<Attempt | null>;
  /** Attempts in state `claimed` or `exited` whose lease ended before `leaseNow`. */
  expiredAttempts(leaseNow: number): Promise<Attempt[]>;
  /**
   * Newest attempts in state `lost` whose lease ended at or before `leaseUntil`, of tasks that are LOST and have a rule of
   * retries; the longest lost first, at most 1000.
   */
  lostAttempts(leaseUntil: number): Promise<Attempt[]>;
  /** Newest first. */
  logs(taskId: string, filter: LogFilter, page?: Page): Promise<TaskLog[]>;
  countLogs(taskId: string, filter: LogFilter): Promise<number>;
  /** Oldest first; of one attempt when given. */
  artifacts(taskId: string, attempt?: number): Promise<Artifact[]>;
  artifact(id: string): Promise<Artifact | null>;
  inputRequest(id: string): Promise<InputRequest | null>;
  /** Oldest first. */
  inputRequests(taskId: string): Promise<InputRequest[]>;
  tokenByHash(hash: string): Promise<Token | null>;
  /** Newest first, task tokens left out. */
  tokens(): Promise<Token[]>;
  /** Last seen first. */
  agents(): Promise<Agent[]>;
  /** Events of a session after `afterSeq`, oldest first, at most `limit`. */
  events(sessionId: string, afterSeq: number, limit: number): Promise<LiveEvent[]>;
  /** The highest event number of a session; 0 when none. */
  lastEventSeq(sessionId: string): Promise<number>;
  /** Newest first. */
  sessionLogs(
    sessionId: string | null,
    filter: LogFilter & { action?: string },
    page: Page,
  ): Promise<SessionLog[]>;
  countSessionLogs(sessionId: string, filter: LogFilter & { action?: string }): Promise<number>;
  sessionLog(id: string): Promise<SessionLog | null>;
  /** Newest first. */
  audit(page: Page): Promise<AuditEntry[]>;
  document(id: string): Promise<Document | null>;
  /** Newest first. `title`: case-insensitive substring; `tag`: exact. */
  documents(filter: { readonly title?: string; readonly tag?: string }): Promise<Document[]>;
  repository(id: string): Promise<Repository | null>;
  repositoryByUrl(url: string): Promise<Repository | null>;
  /** By name. `search`: case-insensitive substring of name or URL. */
  repositories(filter: { readonly search?: string; readonly activeOnly?: boolean }): Promise<Repository[]>;
  /** Figures of the whole store. @param agentsSince  agents that called at or after this are counted; epoch ms */
  figures(now: number, agentsSince: number): Promise<StoreFigures>;
  /** A value kept under a name, such as the schema's age or a boot stamp; null when none. */
  meta(name: string): Promise<string | null>;
}

/** An open transaction: reads see its own writes. `put…` inserts or replaces the whole row with that id. */
export interface Transaction
  extends Reads,
    WorkflowWrites,
    GovernanceWrites,
    LedgerWrites,
    NotificationWrites,
    RetentionWrites {
  /**
   * Makes every other transaction that locks the same session wait until this one ends; also when the session does not
   * exist. Called before anything that decides about claims, submits or status. A no-op on SQLite, whose writers queue.
   */
  lockSession(sessionId: string): Promise<void>;
  /**
   * Does a part that may fail without the rest: when it throws, what it wrote is undone, and the transaction goes on. Not for
   * parts that run at the same time as others of the transaction.
   */
  apart<T>(part: () => Promise<T>): Promise<T>;
  /** Wakes listeners after the commit. */
  notify(topic: Topic): void;
  /** @throws {ConflictError} KERUTA_ERR_SESSION_NAME_TAKEN */
  putSession(session: Session): Promise<void>;
  /** Removes a session and everything that hangs on it, tasks included; @returns the ids of its tasks. */
  deleteSession(id: string): Promise<string[]>;
  /** @param key  remembered with the task when it is new: idempotency key and fingerprint of the request */
  putTask(task: Task, key?: { readonly key: string; readonly fingerprint: string }): Promise<void>;
  /** Keeps what a new task waits for. */
  insertNeeds(
    taskId: string,
    needs: readonly { readonly id: string; readonly state: NeedState }[],
  ): Promise<void>;
  /** Keeps what became of a task, for all that wait for it. */
  settleNeeds(neededId: string, state: NeedState): Promise<void>;
  /** Removes a task and everything that hangs on it. */
  deleteTask(id: string): Promise<void>;
  putAttempt(attempt: Attempt): Promise<void>;
  /** Sets what is here of one stream; the narrow form of putAttempt, for the hot path. */
  putStream(taskId: string, attempt: number, stream: StreamName, state: StreamState): Promise<void>;
  /** Sets one lease; the narrow form of putAttempt, for the hot path. */
  putLease(taskId: string, attempt: number, leaseUntil: number): Promise<void>;
  /** Moves every lease that ends before `until` to `until`: the boot grace. */
  extendLeases(until: number): Promise<void>;
  /** A line whose id is there already is left as it is. @returns how many were new */
  insertLogs(logs: readonly TaskLog[]): Promise<number>;
  deleteLogs(taskId: string): Promise<void>;
  putArtifact(artifact: Artifact): Promise<void>;
  deleteArtifact(id: string): Promise<void>;
  putInputRequest(request: InputRequest): Promise<void>;
  putToken(token: Token): Promise<void>;
  /**
   * Ends the tokens of a task's attempts, all but the one with the id `keep`. @param expiresAt when they end; one that
   * ends before stays as it is
   */
  expireTaskTokens(taskId: string, expiresAt: number, keep?: string): Promise<void>;
  putAgent(agent: Agent): Promise<void>;
  /** Appends one event; @returns its number, one more than the session's last. */
  insertEvent(event: Omit<LiveEvent, 'seq'>): Promise<number>;
  /** Appends events of one session in their order; at most `maxRowsAtOnce`. */
  insertEvents(sessionId: string, events: readonly Omit<LiveEvent, 'seq'>[]): Promise<void>;
  insertSessionLog(log: SessionLog): Promise<void>;
  deleteSessionLogs(sessionId: string): Promise<void>;
  insertAudit(entry: AuditEntry): Promise<void>;
  /** At most `maxRowsAtOnce`. */
  insertAudits(entries: readonly AuditEntry[]): Promise<void>;
  putDocument(document: Document): Promise<void>;
  deleteDocument(id: string): Promise<void>;
  putRepository(repository: Repository): Promise<void>;
  deleteRepository(id: string): Promise<void>;
  /** @param life  of a name that is new; one that is known keeps the life it has */
  putMeta(name: string, value: string, life?: MetaLife): Promise<void>;
}
