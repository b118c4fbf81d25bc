/** Nouns with plain values, for tests that care about few of them. */
import type { Attempt } from '../../../internal/domain/attempt.ts';
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
} from '../../../internal/domain/records.ts';
import type { Session } from '../../../internal/domain/session.ts';
import type { Task } from '../../../internal/domain/task.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

const uuid = () => systemRandom.uuid4();

export function sampleSession(some: Partial<Session> = {}): Session {
  const id = some.id ?? uuid();
  return {
    id,
    name: `session ${id}`,
    description: 'a description',
    status: 'ACTIVE',
    tags: ['red', 'green'],
    repositoryUrl: 'https://example.org/a.git',
    repositoryRef: 'main',
    gitTimeoutMs: 90_000,
    templateConfig: { templateId: 't', preferredKeywords: ['k'], parameters: { a: 'b' } },
    workspaceId: null,
    createdAt: 1000,
    updatedAt: 2000,
    ...some,
  };
}

export function sampleTask(some: Partial<Task> & Pick<Task, 'sessionId'>): Task {
  return {
    id: uuid(),
    parentTaskId: null,
    name: 'a task',
    description: '',
    script: 'echo hello\n',
    status: 'PENDING',
    message: '',
    progress: 0,
    errorCode: '',
    exitCode: null,
    signal: null,
    reason: null,
    attempt: 0,
    priority: 0,
    parameters: { a: [1, { b: null }] },
    ref: null,
    timeoutMs: null,
    noOutputTimeoutMs: 5,
    retryCount: 0,
    retriesUsed: 0,
    retry: null,
    notBefore: null,
    concurrencyGroup: null,
    concurrencyLimit: null,
    kind: 'script',
    context: null,
    requiredSkill: null,
    needs: [],
    unmetNeeds: 0,
    blockedBy: null,
    input: 'none',
    inputTimeoutMs: 3_600_000,
    autoFix: null,
    fixCount: 0,
    triggerId: null,
    cancelRequested: false,
    logComplete: true,
    late: false,
    usage: null,
    createdAt: 1000,
    updatedAt: 1000,
    startedAt: null,
    finishedAt: null,
    ...some,
  };
}

export function sampleAttempt(some: Partial<Attempt> & Pick<Attempt, 'taskId'>): Attempt {
  return {
    number: 1,
    state: 'claimed',
    reason: 'first',
    agentId: 'agent',
    claimId: uuid(),
    leaseUntil: 45_000,
    createdAt: 1000,
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    signal: null,
    endReason: null,
    declared: null,
    controlSeq: 0,
    streams: {
      stdout: { size: 0, crc32: 0, lostBytes: 0 },
      stderr: { size: 0, crc32: 0, lostBytes: 0 },
    },
    usage: null,
    ...some,
  };
}

export function sampleLog(some: Partial<TaskLog> & Pick<TaskLog, 'taskId' | 'sessionId'>): TaskLog {
  return {
    id: uuid(),
    attempt: 1,
    level: 'INFO',
    source: 'task',
    message: 'a line',
    metadata: {},
    timestamp: 1000,
    ...some,
  };
}

export function sampleArtifact(some: Partial<Artifact> & Pick<Artifact, 'taskId'>): Artifact {
  return {
    id: uuid(),
    attempt: 1,
    name: 'a.txt',
    path: 'dir/a.txt',
    size: 5_000_000_000,
    sha256: 'ab'.repeat(32),
    contentType: 'text/plain',
    description: '',
    unstable: false,
    createdAt: 1000,
    ...some,
  };
}

export function sampleInput(some: Partial<InputRequest> & Pick<InputRequest, 'taskId'>): InputRequest {
  return {
    id: uuid(),
    attempt: 1,
    key: 'k',
    kind: 'ask',
    prompt: 'go on?',
    choices: ['yes', 'no'],
    secret: false,
    state: 'open',
    answer: null,
    createdAt: 1000,
    answeredAt: null,
    ...some,
  };
}

export function sampleToken(some: Partial<Token> = {}): Token {
  return {
    id: uuid(),
    scope: 'admin',
    sessionId: null,
    taskId: null,
    attempt: null,
    role: null,
    name: 'a token',
    hash: uuid(),
    createdAt: 1000,
    expiresAt: null,
    revokedAt: null,
    ...some,
  };
}

export function sampleAgent(some: Partial<Agent> = {}): Agent {
  return {
    id: uuid(),
    sessionId: '',
    hostname: 'host',
    version: '1',
    labels: [],
    taskId: null,
    firstSeenAt: 1000,
    lastSeenAt: 1000,
    ...some,
  };
}

export function sampleEvent(some: Partial<LiveEvent> & Pick<LiveEvent, 'sessionId'>): Omit<LiveEvent, 'seq'> {
  return { taskId: null, type: 'status', data: { status: 'PENDING' }, at: 1000, ...some };
}

export function sampleSessionLog(some: Partial<SessionLog> & Pick<SessionLog, 'sessionId'>): SessionLog {
  return {
    id: uuid(),
    level: 'INFO',
    source: 'api',
    action: 'CREATE',
    message: 'made',
    details: null,
    metadata: { a: 1 },
    userId: null,
    timestamp: 1000,
    ...some,
  };
}

export function sampleAudit(some: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: uuid(),
    at: 1000,
    actor: 'system',
    address: null,
    action: 'task.submit',
    sessionId: null,
    taskId: null,
    details: { a: [true] },
    ...some,
  };
}

export function sampleDocument(some: Partial<Document> = {}): Document {
  return {
    id: uuid(),
    title: 'A title',
    content: 'text',
    tags: ['x'],
    createdAt: 1000,
    updatedAt: 1000,
    ...some,
  };
}

export function sampleRepository(some: Partial<Repository> = {}): Repository {
  return {
    id: uuid(),
    name: 'A repository',
    description: '',
    url: 'https://example.org/a.git',
    branch: 'main',
    authType: 'NONE',
    authConfig: {},
    isActive: true,
    tags: [],
    installScript: '',
    createdAt: 1000,
    updatedAt: 1000,
    ...some,
  };
}
