import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import { ConflictError } from '../domain/errors.ts';
import { isClosed, parseSessionStatus } from '../domain/session.ts';
import type { ApiClient } from './client/client.ts';
import type { ClaimAnswer, SessionWire } from './shapes.ts';
import type {
  Ability,
  AttemptRef,
  AttemptReporter,
  SessionEnded,
  StreamPosition,
  TaskSource,
} from './task-source.ts';
import { uploadInPieces } from './upload.ts';

/** What a claiming source works with. */
export interface ClaimingSourceParts {
  readonly client: ApiClient;
  readonly random: Random;
  readonly log: Pick<Log, 'info'>;
  readonly abilities: ReadonlySet<Ability>;
  readonly sessionId: string;
  /** stable over restarts of the agent */
  readonly agentId: string;
  /** shown to people */
  readonly agent: {
    readonly hostname: string;
    readonly version: string;
    /** skills that it is for; left out = any task */
    readonly labels?: string[];
  };
}

/** The source for servers that advertise `claim`: the server picks, leases and fences; see protocol.ts. */
export function claimingSource(parts: ClaimingSourceParts): TaskSource {
  const { client, random, log, abilities, sessionId, agentId, agent } = parts;
  // kept until an answer came: if that answer is lost, the next call gets the same attempt
  let wish: string | null = null;
  let waitsFor: string | null = null;
  const tellHolder = (holder: ClaimAnswer['heldBy']) => {
    const taskId = holder?.taskId ?? null;
    if (holder && taskId !== waitsFor) {
      const what = { agentId: holder.agentId || 'a plain client', taskId };
      log.info('another agent has a task of the session, which runs one at a time: this one waits', what);
    }
    waitsFor = taskId;
  };

  return {
    abilities,
    claimNext: async ({ waitMs, claimId }, signal) => {
      wish ??= random.uuid4();
      const request = { agentId, claimId: claimId ?? wish, waitMs, agent };
      try {
        const { claim, session, heldBy } = await client.attempts.claim(sessionId, request, { signal });
        tellHolder(heldBy);
        if (claim === null) return endedOr(session);
        wish = null;
        const { number: attempt, reason, leaseMs, token } = claim.attempt;
        const { task, environment = {}, asksForCheckout = false, story = [], dependencies = [] } = claim;
        const given = { task, environment, asksForCheckout, story, dependencies };
        return { ...given, attempt, reason, leaseMs, token, session };
      } catch (error) {
        if (!(error instanceof ConflictError) || error.code !== 'KERUTA_ERR_SESSION_CLOSED') throw error;
        return endedOr(await client.sessions.get(sessionId, { signal }));
      }
    },
    tellDisk: async (disk, signal) => {
      const body = { ...disk, agentId, hostname: agent.hostname };
      await client.notifications.tellDisk(sessionId, body, { signal });
    },
    reporter: (attempt) => claimingReporter({ client, abilities, agentId }, attempt),
  };
}

/** The end of a session that has ended; null for one that has not. */
export function endedOr(session: SessionWire): SessionEnded | null {
  const status = parseSessionStatus(session.status);
  return status !== null && isClosed(status) ? { ended: session.status, session } : null;
}

function claimingReporter(
  { client, abilities, agentId }: Pick<ClaimingSourceParts, 'client' | 'abilities' | 'agentId'>,
  { taskId, attempt }: AttemptRef,
): AttemptReporter {
  const { attempts, artifacts, tasks } = client;
  const name = { taskId, attempt };
  const at = (offset: number): StreamPosition => ({ offset, durableOffset: offset });
  return {
    taskId,
    attempt,
    abilities,
    renew: ({ waitMs, deliveredInputs }, signal) =>
      attempts.renew(name, { waitMs, deliveredInputs: [...deliveredInputs] }, { signal }),
    sendMessages: (messages, signal) => attempts.messages(name, messages, { signal }),
    headStream: async (stream, signal) => at(await attempts.headStream(name, stream, { signal })),
    patchStream: async (chunk, signal) => at(await attempts.patchStream(name, chunk, { signal })),
    declareLost: async (gap, signal) => at(await attempts.declareLost(name, gap, { signal })),
    exited: (request, signal) => attempts.exited(name, request, { signal }),
    checkout: (signal) => attempts.checkout(name, agentId, { signal }),
    event: (signal) => tasks.event(taskId, { signal }),
    finish: ({ declared: _sentBefore, ...request }, signal) => attempts.finish(name, request, { signal }),
    uploadArtifact: async (artifact, signal) => {
      if (abilities.has('uploads')) return uploadInPieces(client, name, artifact, signal);
      return (await artifacts.upload(taskId, artifact, { signal }))?.id ?? null;
    },
  };
}
