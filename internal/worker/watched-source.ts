import type { Clock } from '../../pkg/clock/clock.ts';
import { isRetryable } from '../api/retryable.ts';
import type { AttemptReporter, TaskSource } from '../api/task-source.ts';
import { KerutaError } from '../domain/errors.ts';
import type { AgentStatus } from './agent-status.ts';
import { deniedPauseMs, isDenied } from './retry.ts';

/**
 * The same source, noting in the status whether the API answers: by the claims of an idle agent and the renewals of a busy
 * one, which are never further apart than some seconds. When the server does not know the token, that goes for every
 * call: the others are refused here with the same error, so that one try is made each half minute and not one of each lane.
 */
export function watchedSource(
  source: TaskSource,
  { status, clock }: { readonly status: AgentStatus; readonly clock: Clock },
): TaskSource {
  let refusal: { readonly error: KerutaError; readonly until: number } | null = null;
  const guard = async <T>(call: () => Promise<T>): Promise<T> => {
    if (refusal !== null && clock.monotonicMs() < refusal.until) throw refusal.error;
    try {
      const answer = await call();
      refusal = null;
      return answer;
    } catch (error) {
      if (error instanceof KerutaError && error.code === 'KERUTA_ERR_UNAUTHENTICATED')
        refusal = { error, until: clock.monotonicMs() + deniedPauseMs };
      throw error;
    }
  };
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
    reporter: (attempt) => watchReporter(source.reporter(attempt)),
  };
}

/** An API that answers, be it with a refusal of this one attempt, is there. */
function faultOf(error: unknown): AgentStatus['apiFault'] {
  if (isDenied(error)) return 'auth_failed';
  return isRetryable(error) ? 'unavailable' : null;
}
