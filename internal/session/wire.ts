/** From the nouns to what goes over the wire: instants as RFC 3339 strings, seconds where clients say seconds. */

import type {
  AgentWire,
  ArtifactWire,
  InputRequestWire,
  LogWire,
  SessionWire,
  TaskWire,
  TokenWire,
} from '../api/shapes.ts';
import type { Agent, Artifact, InputRequest, SessionLog, TaskLog, Token } from '../domain/records.ts';
import type { RetryRule } from '../domain/retry.ts';
import type { Session, TemplateConfig } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import type { TaskContext } from '../domain/task-context.ts';

/** An agent that was seen within this time counts as alive; ms. */
export const agentAliveMs = 30_000;

/** An instant as the wire has it: UTC with milliseconds. @param at epoch ms */
export function toInstant(at: number): string {
  return new Date(at).toISOString();
}

/** @see toInstant; null stays null. */
export const toInstantOrNull = (at: number | null) => (at === null ? null : toInstant(at));
const toSecondsOrNull = (ms: number | null) => (ms === null ? null : ms / 1000);

/**
 * A session on the wire. A repository that only the template names is given as the session's own; the template's
 * settings repeat the repository, because older clients look there.
 */
export function toSessionWire(session: Session): SessionWire {
  const template = session.templateConfig;
  const repositoryUrl = session.repositoryUrl ?? template?.repositoryUrl ?? null;
  return {
    id: session.id,
    name: session.name,
    description: session.description,
    status: session.status,
    tags: [...session.tags],
    repositoryUrl,
    repositoryRef: session.repositoryRef,
    gitTimeoutSeconds: toSecondsOrNull(session.gitTimeoutMs),
    templateConfig: template === null ? null : toTemplateWire(template, repositoryUrl, session.repositoryRef),
    workspaceId: session.workspaceId,
    createdAt: toInstant(session.createdAt),
    updatedAt: toInstant(session.updatedAt),
  };
}

function toTemplateWire(
  template: TemplateConfig,
  repositoryUrl: string | null,
  repositoryRef: string,
): NonNullable<SessionWire['templateConfig']> {
  const { preferredKeywords, parameters, ...rest } = template;
  return {
    templateId: null,
    templateName: null,
    templatePath: '.',
    ...rest,
    preferredKeywords: [...(preferredKeywords ?? [])],
    parameters: { ...parameters },
    repositoryUrl: template.repositoryUrl ?? repositoryUrl,
    repositoryRef: template.repositoryRef ?? repositoryRef,
  };
}

/** A task on the wire. */
export function toTaskWire(task: Task): TaskWire {
  return {
    id: task.id,
    sessionId: task.sessionId,
    parentTaskId: task.parentTaskId,
    name: task.name,
    title: task.name,
    description: task.description,
    script: task.script,
    kind: task.kind,
    context: task.context === null ? null : toContextWire(task.context),
    status: task.status,
    message: task.message,
    progress: task.progress,
    errorCode: task.errorCode,
    exitCode: task.exitCode,
    signal: task.signal,
    reason: task.reason,
    attempt: task.attempt,
    priority: task.priority,
    parameters: { ...task.parameters },
    ref: task.ref,
    timeoutSeconds: toSecondsOrNull(task.timeoutMs),
    noOutputTimeoutSeconds: toSecondsOrNull(task.noOutputTimeoutMs),
    retryCount: task.retryCount,
    retriesUsed: task.retriesUsed,
    retry: task.retry === null ? null : toRetryWire(task.retry),
    notBefore: toInstantOrNull(task.notBefore),
    needs: [...task.needs],
    unmetNeeds: task.unmetNeeds,
    blockedBy: task.blockedBy,
    concurrency:
      task.concurrencyGroup === null
        ? null
        : { group: task.concurrencyGroup, limit: task.concurrencyLimit ?? 1 },
    input: task.input,
    inputTimeoutSeconds: task.inputTimeoutMs / 1000,
    autoFix: task.autoFix,
    fixCount: task.fixCount,
    cancelRequested: task.cancelRequested,
    logComplete: task.logComplete,
    late: task.late,
    usage: task.usage === null ? null : { ...task.usage },
    createdAt: toInstant(task.createdAt),
    updatedAt: toInstant(task.updatedAt),
    startedAt: toInstantOrNull(task.startedAt),
    finishedAt: toInstantOrNull(task.finishedAt),
  };
}

function toRetryWire(rule: RetryRule): NonNullable<TaskWire['retry']> {
  return {
    backoff: rule.backoff,
    delaySeconds: rule.delayMs / 1000,
    maxDelaySeconds: rule.maxDelayMs / 1000,
    exitCodes: rule.exitCodes === null ? null : [...rule.exitCodes],
    neverOn: [...rule.neverOn],
    lostRetries: rule.lostRetries,
    deadlineSeconds: toSecondsOrNull(rule.deadlineMs),
  };
}

/** One structured log line on the wire. */
export function toLogWire(log: TaskLog): LogWire {
  return {
    id: log.id,
    taskId: log.taskId,
    sessionId: log.sessionId,
    level: log.level,
    source: log.source,
    message: log.message,
    timestamp: toInstant(log.timestamp),
    metadata: { ...log.metadata },
  };
}

/** One line of a session's own log on the wire. */
export function toSessionLogWire(log: SessionLog): SessionLogWire {
  return { ...log, metadata: { ...log.metadata }, timestamp: toInstant(log.timestamp) };
}

/** @see toSessionLogWire */
export type SessionLogWire = Omit<SessionLog, 'timestamp'> & { readonly timestamp: string };

/** An artifact on the wire. */
export function toArtifactWire(artifact: Artifact): ArtifactWire {
  return { ...artifact, createdAt: toInstant(artifact.createdAt) };
}

/** A question on the wire; the answer is never among it. */
export function toInputRequestWire(request: InputRequest): InputRequestWire {
  return {
    id: request.id,
    taskId: request.taskId,
    attempt: request.attempt,
    kind: request.kind,
    prompt: request.prompt,
    choices: [...request.choices],
    secret: request.secret,
    state: request.state,
    requestedAt: toInstant(request.createdAt),
    answeredAt: toInstantOrNull(request.answeredAt),
  };
}

/** An agent on the wire. @param now epoch ms */
export function toAgentWire(agent: Agent, now: number): AgentWire {
  return {
    ...agent,
    labels: [...agent.labels],
    firstSeenAt: toInstant(agent.firstSeenAt),
    lastSeenAt: toInstant(agent.lastSeenAt),
    alive: now - agent.lastSeenAt <= agentAliveMs,
  };
}

/** What the server knows of a token, on the wire; neither the token nor its hash is among it. */
export function toTokenWire(token: Token): TokenWire {
  return {
    id: token.id,
    scope: token.scope,
    sessionId: token.sessionId,
    name: token.name,
    role: token.role,
    createdAt: toInstant(token.createdAt),
    expiresAt: toInstantOrNull(token.expiresAt),
    revokedAt: toInstantOrNull(token.revokedAt),
  };
}

function toContextWire(context: TaskContext): NonNullable<TaskWire['context']> {
  const { acceptanceCriteria, focus, ...rest } = context;
  return { ...rest, acceptanceCriteria: [...acceptanceCriteria], focus: [...focus] };
}
