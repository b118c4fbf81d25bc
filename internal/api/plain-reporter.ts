/** Speaks for a run in the plain protocol: status updates, log lines, a poll for answers. */
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { ConflictError, NotFoundError } from '../domain/errors.ts';
import { formatMoney } from '../domain/money.ts';
import { type EndReason, judge } from '../domain/outcome.ts';
import type { ApiClient } from './client/client.ts';
import { isUnsupported, type LogWriter, type StatusWriter, statusOf } from './dialect.ts';
import { plainStreams } from './plain-streams.ts';
import type { ControlMessage, FinishAnswer, RenewAnswer } from './protocol.ts';
import { isRetryable } from './retryable.ts';
import type { Ability, AttemptRef, AttemptReporter, FinishReport } from './task-source.ts';

/** What a plain reporter works with. */
export interface PlainReporterParts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  readonly setStatus: StatusWriter;
  readonly writeLogs: LogWriter;
  readonly abilities: ReadonlySet<Ability>;
}

/** Ends from outside that a fix task may still help against. */
const fixableReasons: readonly (EndReason | null)[] = [null, 'timeout', 'no_output_timeout', 'oom'];

/** @see AttemptReporter */
export function plainReporter(parts: PlainReporterParts, ref: AttemptRef): AttemptReporter {
  const { client, clock, log, pollMs, setStatus } = parts;
  const { taskId, attempt } = ref;
  const streams = plainStreams(parts.writeLogs, ref);
  let applied = 0;
  let progress = 0;
  let question: { readonly key: string } | null = null;
  let answers: RenewAnswer['inputs'] = [];
  let answerCount = 0;
  let nextPollAt = 0;
  let fix: { readonly taskId: string | null } | null = null;

  const running = (message: string, signal: AbortSignal) =>
    setStatus(taskId, { status: 'PROCESSING', message, progress, errorCode: '' }, signal);

  /** For what older servers need not have. */
  const optional = async <T>(what: string, action: () => Promise<T>): Promise<T | null> => {
    try {
      return await action();
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      log.warn(`the server does not take ${what}`, { taskId });
      return null;
    }
  };

  const apply = async (message: ControlMessage, signal: AbortSignal) => {
    switch (message.kind) {
      case 'started':
        if (message.message) await running(message.message, signal);
        return;
      case 'progress':
        progress = message.progress;
        await running(message.message ?? '', signal);
        return;
      case 'log': {
        const { level, message: text, source, metadata } = message;
        await parts.writeLogs(taskId, [{ level, message: text, source, metadata }], { signal });
        return;
      }
      case 'ask': {
        const body = { status: 'WAITING_FOR_INPUT', message: message.prompt, progress, errorCode: '' };
        await setStatus(taskId, body, signal);
        await optional('questions', () => client.tasks.requestInput(taskId, message.prompt, { signal }));
        question = { key: message.key };
        return;
      }
      case 'withdraw':
        if (question?.key !== message.key) return;
        await running('', signal);
        question = null;
        return;
      case 'cost': {
        const level = 'INFO';
        const text = `cost: ${formatMoney(message.micro)} USD${message.model ? `, ${message.model}` : ''}`;
        await parts.writeLogs(taskId, [{ level, message: text }], { signal });
        return;
      }
      case 'declared':
        // comes with the report: the status here ends the task
        return;
    }
  };

  const pollAnswer = async (signal: AbortSignal) => {
    if (question === null) return;
    const { key } = question;
    const text = await client.tasks.pollInput(taskId, { signal }).catch((error: unknown) => {
      if (statusOf(error) === null) throw error;
      return null;
    });
    if (text === null) return;
    answerCount += 1;
    answers = [...answers, { id: `plain-${answerCount}`, key, answer: text.replace(/\r?\n$/, '') }];
    question = null;
    await running('', signal);
  };

  /** Whether somebody has cancelled or deleted the task. */
  const isCancelled = async (signal: AbortSignal) => {
    try {
      const task = await client.tasks.get(taskId, { signal });
      return task.status === 'CANCELLED' || task.cancelRequested;
    } catch (error) {
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  };

  return {
    taskId,
    attempt,
    abilities: parts.abilities,
    ...streams,
    renew: async ({ waitMs, deliveredInputs }, signal) => {
      answers = answers.filter(({ id }) => !deliveredInputs.includes(id));
      const dueMs = Math.max(0, nextPollAt - clock.monotonicMs());
      if (waitMs > 0 && dueMs > 0) await clock.sleep(Math.min(waitMs, dueMs), signal);
      let cancel = false;
      if (dueMs <= waitMs) {
        nextPollAt = clock.monotonicMs() + pollMs;
        cancel = await isCancelled(signal);
        await pollAnswer(signal);
      }
      return { leaseMs: null, cancel, inputs: answers, timeoutMs: null };
    },
    sendMessages: async (messages, signal) => {
      for (const message of messages.filter(({ seq }) => seq > applied)) {
        await apply(message, signal);
        applied = message.seq;
      }
      return applied;
    },
    exited: async () => {},
    finish: async (report, signal) => {
      await streams.flush(signal);
      return end(report, signal);
    },
    event: async () => null,
    checkout: async () => null,
    uploadArtifact: async (artifact, signal) => {
      const made = await optional('artifacts', () => client.artifacts.upload(taskId, artifact, { signal }));
      return made?.id ?? null;
    },
  };

  /** A fix task is a help, not a duty: a refusal does not hold up the report. */
  async function askForFix(failure: { errorMessage: string; errorCode: string }, signal: AbortSignal) {
    try {
      return await client.tasks.autoFix(taskId, failure, { signal });
    } catch (error) {
      if (isRetryable(error) && !isUnsupported(error)) throw error;
      log.warn('the server makes no fix task', { taskId, error });
      return null;
    }
  }

  async function end(report: FinishReport, signal: AbortSignal): Promise<FinishAnswer> {
    const { exitCode, signal: killedBy, reason, declared } = report;
    const { status, message, errorCode } = judge({ exitCode, signal: killedBy }, reason, declared);
    const text = message || report.message || '';
    if (status === 'FAILED' && report.fix && fixableReasons.includes(reason)) {
      const failure = { errorMessage: text, errorCode };
      // once: older servers would make another one each time; before the end, as older clients do
      fix ??= { taskId: await askForFix(failure, signal) };
    }
    const body = { status, message: text, progress: status === 'COMPLETED' ? 100 : progress, errorCode };
    try {
      await setStatus(taskId, body, signal);
    } catch (error) {
      if (status === 'CANCELLED' && [400, 422, 500].includes(statusOf(error) ?? 0))
        await setStatus(taskId, { ...body, status: 'FAILED', errorCode: errorCode || 'CANCELLED' }, signal);
      else if (!(error instanceof ConflictError)) throw error;
      // a conflict: it has ended already, by this call before or by a person
    }
    return { status, fixTaskId: fix?.taskId ?? null, willRetry: false };
  }
}
