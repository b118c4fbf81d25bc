/** The smaller nouns: what hangs on a task or a session. Times are epoch ms. */
import type { LogLevel } from './log-level.ts';

/** One structured log line of a task. */
export interface TaskLog {
  /** UUIDv7 */
  readonly id: string;
  readonly taskId: string;
  readonly sessionId: string;
  /** 0 when no attempt was named */
  readonly attempt: number;
  readonly level: LogLevel;
  /** `task` unless the sender says otherwise */
  readonly source: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly timestamp: number;
}

/** One file that a task left. */
export interface Artifact {
  /** UUIDv7; also its place in the blob store, so no client text becomes a path */
  readonly id: string;
  readonly taskId: string;
  readonly attempt: number;
  /** base name, safe to show */
  readonly name: string;
  /** relative path with `/`, as the task left it; data only */
  readonly path: string;
  readonly size: number;
  /** lower-case hex */
  readonly sha256: string;
  readonly contentType: string;
  readonly description: string;
  /** whether the file changed while it was read, so that it is one of several versions */
  readonly unstable: boolean;
  readonly createdAt: number;
}

/** A question put to people, and what became of it. */
export interface InputRequest {
  /** UUIDv7 */
  readonly id: string;
  readonly taskId: string;
  readonly attempt: number;
  /** chosen by the asker; the same key of the same attempt is the same question */
  readonly key: string;
  /** `ask`: `keruta ask`; `stdin`: a process blocked on its stdin; `plain`: the plain protocol */
  readonly kind: 'ask' | 'stdin' | 'plain';
  readonly prompt: string;
  readonly choices: readonly string[];
  readonly secret: boolean;
  readonly state: 'open' | 'answered' | 'delivered' | 'closed';
  /** kept until it is delivered, then emptied; null before */
  readonly answer: string | null;
  readonly createdAt: number;
  readonly answeredAt: number | null;
}

/** What a token may do. */
export type TokenScope = 'admin' | 'session' | 'task' | 'read-only';

/** A bearer token; the token itself is never stored. */
export interface Token {
  /** UUIDv7 */
  readonly id: string;
  readonly scope: TokenScope;
  /** the session it is bound to; null = all (admin, read-only) */
  readonly sessionId: string | null;
  readonly taskId: string | null;
  readonly attempt: number | null;
  /** what it may approve, beside what its scope allows; null = nothing */
  readonly role: string | null;
  readonly name: string;
  /** SHA-256 of the token; lower-case hex */
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

/** An agent as the server last saw it. */
export interface Agent {
  /** stable over restarts */
  readonly id: string;
  readonly sessionId: string;
  readonly hostname: string;
  readonly version: string;
  /** skills that it was given for; empty = any */
  readonly labels: readonly string[];
  /** the task it works on; null = idle */
  readonly taskId: string | null;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** Something that happened, as live readers see it. Written in the transaction that made it happen. */
export interface LiveEvent {
  /** grows within a session; gaps are normal */
  readonly seq: number;
  readonly sessionId: string;
  /** null: it concerns the session as such */
  readonly taskId: string | null;
  readonly type: LiveEventType;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: number;
}

/** Kinds of live events that rest in the store. (Output is not among them: readers take it from the streams.) */
export type LiveEventType =
  | 'status'
  | 'progress'
  | 'log'
  | 'artifact'
  | 'input'
  | 'session_created'
  | 'session_metadata_update'
  | 'session_template_changed'
  | 'session_deleted'
  | 'session_log_created';

/** One line of a session's own log. */
export interface SessionLog {
  readonly id: string;
  readonly sessionId: string;
  readonly level: LogLevel | 'TRACE';
  readonly source: string;
  readonly action: string;
  readonly message: string;
  readonly details: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userId: string | null;
  readonly timestamp: number;
}

/** Who did what: append-only. */
export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  /** token id, or `system` */
  readonly actor: string;
  /** IP address from which it was asked for; null = by the server itself, or not known */
  readonly address: string | null;
  readonly action: string;
  readonly sessionId: string | null;
  readonly taskId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A note that clients of the keruta API keep. */
export interface Document {
  readonly id: string;
  readonly title: string;
  readonly content: string;
  readonly tags: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A repository that clients of the keruta API registered. Its credentials are never given out. */
export interface Repository {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly branch: string;
  readonly authType: 'NONE' | 'USERNAME_PASSWORD' | 'SSH_KEY' | 'ACCESS_TOKEN';
  readonly authConfig: Readonly<Record<string, string>>;
  readonly isActive: boolean;
  readonly tags: readonly string[];
  readonly installScript: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}
