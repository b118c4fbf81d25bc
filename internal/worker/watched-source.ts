import { isRetryable } from '../api/retryable.ts';
import type { AttemptReporter, TaskSource } from '../api/task-source.ts';
import type { AgentStatus } from './agent-status.ts';
import { isDenied } from './retry.ts';
import type { TokenGuard } from './token-guard.ts';

/**
 * The same source, noting in the status whether the API answers: by the claims of an idle agent and the renewals of a busy
 * one, which are never further apart than some seconds.
 */
export function watchedSource(
  source: TaskSource,
  { status, guard }: { readonly status: AgentStatus; readonly guard: TokenGuard },
): TaskSource {
  const watch = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    try {
      const answer = await guard(call);
      status.apiFault = null;
      return answer;
    } catch (error) {
      if (!signal.aborted) status.apiFault = faultOf(error);
      throw error;
    }
  };
  const watchReporter = (reporter: AttemptReporter): AttemptReporter => ({
    taskId: reporter.taskId,
    attempt: reporter.attempt,
    abilities: reporter.abilities,
    renew: (request, signal) => watch(signal, () => reporter.renew(request, signal)),
    sendMessages: (messages, signal) => guard(() => reporter.sendMessages(messages, signal)),
    headStream: (stream, signal) => guard(() => reporter.headStream(stream, signal)),
    patchStream: (chunk, signal) => guard(() => reporter.patchStream(chunk, signal)),
    declareLost: (gap, signal) => guard(() => reporter.declareLost(gap, signal)),
    exited: (request, signal) => guard(() => reporter.exited(request, signal)),
    finish: (report, signal) => guard(() => reporter.finish(report, signal)),
    event: (signal) => guard(() => reporter.event(signal)),
    checkout: (signal) => guard(() => reporter.checkout(signal)),
    uploadArtifact: (artifact, signal) => guard(() => reporter.uploadArtifact(artifact, signal)),
  });
  return {
    abilities: source.abilities,
    claimNext: (request, signal) => watch(signal, () => source.claimNext(request, signal)),
    tellDisk: (disk, signal) => guard(async () => source.tellDisk?.(disk, signal)),
    reporter: (attempt) => watchReporter(source.reporter(attempt)),
  };
}

/** An API that answers, be it with a refusal of this one attempt, is there. */
function faultOf(error: unknown): AgentStatus['apiFault'] {
  if (isDenied(error)) return 'auth_failed';
  return isRetryable(error) ? 'unavailable' : null;
}
