import { crc32 } from 'node:zlib';
import type { CheckoutAnswer, ControlMessage, FinishAnswer } from '../../../internal/api/protocol.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import type {
  ArtifactSource,
  AttemptReporter,
  ClaimedTask,
  FinishReport,
  Renewal,
  SessionEnded,
  TaskSource,
} from '../../../internal/api/task-source.ts';
import { ConflictError, UnavailableError } from '../../../internal/domain/errors.ts';
import type { StreamName } from '../../../internal/domain/task.ts';

/** What the fake server has of one attempt. */
export interface FakeAttempt {
  readonly task: TaskWire;
  readonly number: number;
  readonly streams: Record<StreamName, Uint8Array[]>;
  readonly messages: ControlMessage[];
  readonly artifacts: { path: string; description: string; bytes: Buffer; unstable: boolean }[];
  readonly inputs: { id: string; key: string; answer: string }[];
  cancel: boolean;
  superseded: boolean;
  /** bytes that were declared lost */
  readonly lost: Record<StreamName, number>;
  exited: unknown;
  report: FinishReport | null;
}

/** When a fault strikes: `before` the call had its effect, `after` (the answer is lost), or not at all; or the refusal. */
export type Fault = 'before' | 'after' | Error | null;

/** A server in memory that keeps the laws of the port, and fails when a test says so. */
export class FakeSource implements TaskSource {
  readonly abilities = new Set(['claim', 'streams', 'messages', 'uploads'] as const);
  readonly queue: TaskWire[] = [];
  readonly attempts: FakeAttempt[] = [];
  readonly calls: string[] = [];
  readonly claims = new Map<string, ClaimedTask>();
  session: SessionWire = sessionOf();
  /** what the server adds to the environment of runs */
  environment: Readonly<Record<string, string>> = {};
  /** what fired the tasks */
  event: Readonly<Record<string, unknown>> | null = null;
  /** what is to be checked out; null: the agent does not ask */
  checkout: CheckoutAnswer['checkout'] = null;
  /** asked before each call; @param method such as `patchStream` */
  fault: (method: string) => Fault = () => null;
  #waiting = new Set<() => void>();

  /** Adds a task with this script. */
  add(script: string, more: Partial<TaskWire> = {}): TaskWire {
    const task = { ...taskOf(script), sessionId: this.session.id, ...more };
    this.queue.push(task);
    this.changed();
    return task;
  }

  /** Says that something changed for those who poll. */
  changed(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  /** Waits until something changed. */
  async until<T>(find: () => T | null | undefined | false): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== null && found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  attemptOf(task: TaskWire): FakeAttempt {
    const found = this.attempts.findLast((attempt) => attempt.task.id === task.id);
    if (!found) throw new Error('the task was never claimed');
    return found;
  }

  async claimNext(
    { waitMs, claimId }: { readonly waitMs: number; readonly claimId?: string },
    signal: AbortSignal,
  ): Promise<ClaimedTask | SessionEnded | null> {
    return this.#call('claimNext', signal, async () => {
      const before = this.claims.get(claimId ?? '');
      if (before) return before;
      if (this.queue.length === 0 && waitMs > 0 && this.session.status === 'ACTIVE') {
        await this.#wait(waitMs, signal);
        signal.throwIfAborted();
      }
      const task = this.queue.shift();
      if (!task) {
        return this.session.status === 'ACTIVE'
          ? null
          : { ended: this.session.status, session: this.session };
      }
      const number = this.attempts.filter((attempt) => attempt.task.id === task.id).length + 1;
      this.attempts.push({
        task,
        number,
        streams: { stdout: [], stderr: [] },
        messages: [],
        artifacts: [],
        inputs: [],
        cancel: false,
        superseded: false,
        lost: { stdout: 0, stderr: 0 },
        exited: null,
        report: null,
      });
      const claim = {
        task,
        attempt: number,
        reason: 'first',
        leaseMs: 45_000,
        token: 'krt_tsk_verysecret',
        session: this.session,
        environment: this.environment,
        asksForCheckout: this.checkout !== null,
      };
      if (claimId) this.claims.set(claimId, claim);
      this.changed();
      return claim;
    });
  }

  reporter(ref: { readonly taskId: string; readonly attempt: number }): AttemptReporter {
    const find = () =>
      this.attempts.find((attempt) => attempt.task.id === ref.taskId && attempt.number === ref.attempt);
    const write = <T>(
      method: string,
      signal: AbortSignal,
      effect: (attempt: FakeAttempt) => T | Promise<T>,
    ) =>
      this.#call(method, signal, async () => {
        const attempt = find();
        if (!attempt || attempt.superseded) {
          throw new ConflictError('KERUTA_ERR_ATTEMPT_SUPERSEDED', 'the attempt was replaced');
        }
        const result = await effect(attempt);
        this.changed();
        return result;
      });
    return {
      ...ref,
      abilities: this.abilities,
      renew: ({ waitMs, deliveredInputs }, signal) =>
        write('renew', signal, async (attempt): Promise<Renewal> => {
          const inputs = () => attempt.inputs.filter((input) => !deliveredInputs.includes(input.id));
          const until = performance.now() + waitMs;
          while (!attempt.cancel && !attempt.superseded && inputs().length === 0 && !signal.aborted) {
            const leftMs = until - performance.now();
            if (leftMs <= 0) break;
            await this.#wait(leftMs, signal);
          }
          if (attempt.superseded) {
            throw new ConflictError('KERUTA_ERR_ATTEMPT_SUPERSEDED', 'the attempt was replaced');
          }
          const { timeoutSeconds } = attempt.task;
          const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1000;
          return { leaseMs: 45_000, cancel: attempt.cancel, inputs: inputs(), timeoutMs };
        }),
      sendMessages: (messages, signal) =>
        write('sendMessages', signal, (attempt) => {
          const last = attempt.messages.at(-1)?.seq ?? 0;
          attempt.messages.push(...messages.filter((message) => message.seq > last));
          return attempt.messages.at(-1)?.seq ?? 0;
        }),
      headStream: (stream, signal) =>
        write('headStream', signal, (attempt) => position(sizeOf(attempt.streams[stream]))),
      patchStream: ({ stream, offset, bytes }, signal) =>
        write('patchStream', signal, (attempt) => {
          const size = sizeOf(attempt.streams[stream]);
          if (offset !== size) {
            throw new ConflictError('KERUTA_ERR_OFFSET_MISMATCH', 'wrong offset', {
              details: { offset: size },
            });
          }
          attempt.streams[stream].push(Buffer.from(bytes));
          return position(size + bytes.length);
        }),
      declareLost: ({ stream, offset, bytes }, signal) =>
        write('declareLost', signal, (attempt) => {
          if (offset !== sizeOf(attempt.streams[stream])) {
            throw new ConflictError('KERUTA_ERR_OFFSET_MISMATCH', 'not the end of the stream');
          }
          attempt.lost[stream] = bytes;
          return position(offset);
        }),
      exited: (request, signal) =>
        write('exited', signal, (attempt) => {
          attempt.exited = request;
        }),
      finish: (report, signal) =>
        write('finish', signal, (attempt): FinishAnswer => {
          for (const stream of ['stdout', 'stderr'] as const) {
            const bytes = Buffer.concat(attempt.streams[stream]);
            const said = report.streams[stream];
            if (bytes.length !== said.size || crc32(bytes) !== said.crc32) {
              throw new ConflictError('KERUTA_ERR_ATTEMPT_UNFINISHED', `${stream} differs`);
            }
          }
          if ((attempt.messages.at(-1)?.seq ?? 0) !== report.controlSeq) {
            throw new ConflictError('KERUTA_ERR_ATTEMPT_UNFINISHED', 'messages are missing');
          }
          attempt.report = report;
          const isCancelled = report.reason === 'cancel';
          const isFine =
            report.reason === null && report.exitCode === 0 && report.declared?.status !== 'FAILED';
          const status = isCancelled ? 'CANCELLED' : isFine ? 'COMPLETED' : 'FAILED';
          return { status, fixTaskId: null, willRetry: false };
        }),
      checkout: (signal) => this.#call('checkout', signal, async () => this.checkout),
      event: (signal) => this.#call('event', signal, async () => this.event),
      uploadArtifact: (artifact, signal) =>
        write('uploadArtifact', signal, async (attempt) => {
          attempt.artifacts.push({
            path: artifact.path,
            description: artifact.description,
            bytes: await bytesOf(artifact),
            unstable: artifact.unstable,
          });
          return `artifact-${attempt.artifacts.length}`;
        }),
    };
  }

  async #call<T>(method: string, signal: AbortSignal, effect: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    this.calls.push(method);
    const fault = this.fault(method);
    if (fault instanceof Error) throw fault;
    if (fault === 'before') throw new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'refused');
    const result = await effect();
    if (fault === 'after') throw new UnavailableError('KERUTA_ERR_API_UNAVAILABLE', 'the answer is lost');
    return result;
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
  }
}

function position(offset: number) {
  return { offset, durableOffset: offset };
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

async function bytesOf(artifact: ArtifactSource): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of artifact.open(0)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

let count = 0;

/** A task as the server sends it. */
export function taskOf(script: string): TaskWire {
  const id = `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id,
    sessionId: 's',
    parentTaskId: null,
    name: `task ${count}`,
    title: `task ${count}`,
    description: '',
    script,
    kind: 'script',
    context: null,
    status: 'PROCESSING',
    message: '',
    progress: 0,
    errorCode: '',
    exitCode: null,
    signal: null,
    reason: null,
    attempt: 1,
    priority: 0,
    parameters: {},
    ref: null,
    timeoutSeconds: null,
    noOutputTimeoutSeconds: null,
    retryCount: 0,
    retriesUsed: 0,
    retry: null,
    notBefore: null,
    needs: [],
    unmetNeeds: 0,
    blockedBy: null,
    concurrency: null,
    input: 'none',
    inputTimeoutSeconds: 3600,
    autoFix: null,
    fixCount: 0,
    cancelRequested: false,
    logComplete: false,
    late: false,
    usage: null,
    createdAt: at,
    updatedAt: at,
    startedAt: at,
    finishedAt: null,
  };
}

/** A session without repository. */
export function sessionOf(): SessionWire {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id: '11111111-0000-4000-8000-000000000000',
    name: 'a session',
    description: null,
    status: 'ACTIVE',
    tags: [],
    repositoryUrl: null,
    repositoryRef: 'main',
    gitTimeoutSeconds: null,
    templateConfig: null,
    workspaceId: null,
    createdAt: at,
    updatedAt: at,
  };
}
