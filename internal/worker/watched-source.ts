import { isRetryable } from '../api/retryable.ts';
import type { AttemptReporter, TaskSource } from '../api/task-source.ts';
import type { AgentStatus } from './agent-status.ts';
import { isDenied } from './retry.ts';

/**
 * The same source, noting in the status whether the API answers: by the claims of an idle agent and the renewals of a busy
 * one, which are never further apart than some seconds.
 */
export function watchedSource(source: TaskSource, status: AgentStatus): TaskSource {
  const watch = async <T>(signal: AbortSignal, call: Promise<T>): Promise<T> => {
    try {
      const answer = await call;
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
    renew: (request, signal) => watch(signal, reporter.renew(request, signal)),
    sendMessages: (messages, signal) => reporter.sendMessages(messages, signal),
    headStream: (stream, signal) => reporter.headStream(stream, signal),
    patchStream: (chunk, signal) => reporter.patchStream(chunk, signal),
    declareLost: (gap, signal) => reporter.declareLost(gap, signal),
    exited: (request, signal) => reporter.exited(request, signal),
    finish: (report, signal) => reporter.finish(report, signal),
    uploadArtifact: (artifact, signal) => reporter.uploadArtifact(artifact, signal),
  });
  return {
    abilities: source.abilities,
    claimNext: (request, signal) => watch(signal, source.claimNext(request, signal)),
    reporter: (attempt) => watchReporter(source.reporter(attempt)),
  };
}

/** An API that answers, be it with a refusal of this one attempt, is there. */
function faultOf(error: unknown): AgentStatus['apiFault'] {
  if (isDenied(error)) return 'auth_failed';
  return isRetryable(error) ? 'unavailable' : null;
}
