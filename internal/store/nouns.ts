/** How each noun rests in its table. */
import type { Attempt } from '../domain/attempt.ts';
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
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import { rowMap } from './row.ts';

/** @see Session */
export const sessionRow = rowMap<Session>()({
  id: 'plain',
  name: 'plain',
  description: 'plain',
  status: 'plain',
  tags: 'json',
  repositoryUrl: 'plain',
  repositoryRef: 'plain',
  gitTimeoutMs: 'plain',
  templateConfig: 'json',
  workspaceId: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** @see Task */
export const taskRow = rowMap<Task>()({
  id: 'plain',
  sessionId: 'plain',
  parentTaskId: 'plain',
  name: 'plain',
  description: 'plain',
  script: 'plain',
  kind: 'plain',
  context: 'json',
  requiredSkill: 'plain',
  status: 'plain',
  message: 'plain',
  progress: 'plain',
  errorCode: 'plain',
  exitCode: 'plain',
  signal: 'plain',
  reason: 'plain',
  attempt: 'plain',
  priority: 'plain',
  parameters: 'json',
  ref: 'plain',
  timeoutMs: 'plain',
  noOutputTimeoutMs: 'plain',
  retryCount: 'plain',
  retriesUsed: 'plain',
  retry: 'json',
  notBefore: 'plain',
  needs: 'json',
  unmetNeeds: 'plain',
  blockedBy: 'plain',
  concurrencyGroup: 'plain',
  concurrencyLimit: 'plain',
  input: 'plain',
  inputTimeoutMs: 'plain',
  autoFix: 'flag',
  fixCount: 'plain',
  triggerId: 'plain',
  cancelRequested: 'flag',
  logComplete: 'flag',
  late: 'flag',
  usage: 'json',
  createdAt: 'plain',
  updatedAt: 'plain',
  startedAt: 'plain',
  finishedAt: 'plain',
});

/** @see Attempt; its streams have columns of their own, for the narrow writes */
export const attemptRow = rowMap<Omit<Attempt, 'streams'>>()({
  taskId: 'plain',
  number: 'plain',
  state: 'plain',
  reason: 'plain',
  agentId: 'plain',
  claimId: 'plain',
  leaseUntil: 'plain',
  createdAt: 'plain',
  startedAt: 'plain',
  finishedAt: 'plain',
  exitCode: 'plain',
  signal: 'plain',
  endReason: 'plain',
  declared: 'json',
  controlSeq: 'plain',
  usage: 'json',
});

/** @see TaskLog */
export const taskLogRow = rowMap<TaskLog>()({
  id: 'plain',
  taskId: 'plain',
  sessionId: 'plain',
  attempt: 'plain',
  level: 'plain',
  source: 'plain',
  message: 'plain',
  metadata: 'json',
  timestamp: 'plain',
});

/** @see Artifact */
export const artifactRow = rowMap<Artifact>()({
  id: 'plain',
  taskId: 'plain',
  attempt: 'plain',
  name: 'plain',
  path: 'plain',
  size: 'plain',
  sha256: 'plain',
  contentType: 'plain',
  description: 'plain',
  unstable: 'flag',
  createdAt: 'plain',
});

/** @see InputRequest */
export const inputRequestRow = rowMap<InputRequest>()({
  id: 'plain',
  taskId: 'plain',
  attempt: 'plain',
  key: 'plain',
  kind: 'plain',
  prompt: 'plain',
  choices: 'json',
  secret: 'flag',
  state: 'plain',
  answer: 'plain',
  createdAt: 'plain',
  answeredAt: 'plain',
});

/** @see Token */
export const tokenRow = rowMap<Token>()({
  id: 'plain',
  scope: 'plain',
  sessionId: 'plain',
  taskId: 'plain',
  attempt: 'plain',
  role: 'plain',
  name: 'plain',
  hash: 'plain',
  createdAt: 'plain',
  expiresAt: 'plain',
  revokedAt: 'plain',
});

/** @see Agent */
export const agentRow = rowMap<Agent>()({
  id: 'plain',
  sessionId: 'plain',
  hostname: 'plain',
  version: 'plain',
  labels: 'json',
  taskId: 'plain',
  firstSeenAt: 'plain',
  lastSeenAt: 'plain',
});

/** @see LiveEvent */
export const eventRow = rowMap<LiveEvent>()({
  seq: 'plain',
  sessionId: 'plain',
  taskId: 'plain',
  type: 'plain',
  data: 'json',
  at: 'plain',
});

/** @see SessionLog */
export const sessionLogRow = rowMap<SessionLog>()({
  id: 'plain',
  sessionId: 'plain',
  level: 'plain',
  source: 'plain',
  action: 'plain',
  message: 'plain',
  details: 'plain',
  metadata: 'json',
  userId: 'plain',
  timestamp: 'plain',
});

/** @see AuditEntry */
export const auditRow = rowMap<AuditEntry>()({
  id: 'plain',
  at: 'plain',
  actor: 'plain',
  address: 'plain',
  action: 'plain',
  sessionId: 'plain',
  taskId: 'plain',
  details: 'json',
});

/** @see Document */
export const documentRow = rowMap<Document>()({
  id: 'plain',
  title: 'plain',
  content: 'plain',
  tags: 'json',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** @see Repository */
export const repositoryRow = rowMap<Repository>()({
  id: 'plain',
  name: 'plain',
  description: 'plain',
  url: 'plain',
  branch: 'plain',
  authType: 'plain',
  authConfig: 'json',
  isActive: 'flag',
  tags: 'json',
  installScript: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});
