import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { type EndReason, judge, type Outcome } from '../domain/outcome.ts';
import type { Usage } from '../domain/task.ts';
import type { Run, RunEnd, StreamLoss } from '../executor/executor.ts';
import { Backlog } from './backlog.ts';
import type { BegunRun } from './begin-run.ts';
import { Delivery } from './delivery.ts';
import { type Answer, Input } from './input.ts';
import { messageOf, persist } from './retry.ts';
import type { Scene } from './scene.ts';
import { Supervisor } from './supervisor.ts';
import type { TaskParts } from './task-parts.ts';

/** A run that is over: everything that it said and wrote is on the server. */
export interface FollowedRun {
  readonly outcome: Outcome;
  /** epoch ms */
  readonly startedAt: number;
  /** epoch ms */
  readonly exitedAt: number;
  /** null: nothing ran, so nothing was written */
  readonly delivery: Delivery | null;
  readonly usage: Usage | null;
}

/** The end is told at once when the full report takes longer than this; ms. Most reports do not. */
const exitedAfterMs = 1_000;
/** How long the record of a run may take to be whole after its last process died; ms. */
const drainMs = 5_000;

const takenUpMessage =
  'The agent that began this run is gone without a word: it was killed, or it crashed. The run did not end with it, and was taken up again.';

const lostMessages =
  'The mailbox of the run was deleted while the task ran: messages, questions and artifacts that it named since are missing.';

/** Says that a run has lost an agent, unless that one left it of its own will. Behind what the script had said by then. */
function tellTakenUp(scene: Scene): void {
  const { state } = scene.cursor;
  const wasLeft = state.isLeft;
  state.isLeft = false;
  if (wasLeft) scene.cursor.save();
  else scene.note('WARN', takenUpMessage);
}

/** What there is to tell of a task of which nothing ran. */
export function notRun(parts: TaskParts, outcome: Outcome): FollowedRun {
  const now = parts.clock.now();
  return { outcome, startedAt: now, exitedAt: now, delivery: null, usage: null };
}

/**
 * Follows a run until its script, everything that the script started, and the delivery of all they wrote have ended.
 * @throws the reason of `scene.life`: the attempt is gone (its run has ended then), or the agent leaves (it goes on)
 */
export async function followRun(parts: TaskParts, scene: Scene, begun: BegunRun): Promise<FollowedRun> {
  const { run, started } = begun;
  const supervisor = supervise(parts, scene, begun);
  const { delivery, input } = converse(parts, scene, { begun, supervisor });
  const watching = new AbortController();
  const backlog = new Backlog(parts.clock, run, scene.cursor);
  parts.status.backlog = backlog;
  const unwatch = run.watch(() => {
    supervisor.look();
    void backlog.look();
  });
  void sampleUsage(parts, run, watching.signal);
  const onLeaving = () => supervisor.look();
  parts.control.leaving.addEventListener('abort', onLeaving);
  try {
    await delivery.start(scene.life, (error) => scene.fail(error));
    if (begun.isTakenUp) tellTakenUp(scene);
    scene.speak();
    parts.status.input = input;
    void input.watch(watching.signal);
    scene.enter({
      stop: (reason) =>
        void supervisor
          .stop(reason)
          .catch((error: unknown) => parts.log.error('a run could not be stopped', { error })),
      answer: (inputs) => void deliverAnswers(parts, input, inputs),
      setTimeoutMs: (timeoutMs) => supervisor.setTimeoutMs(timeoutMs),
    });
    makeReady(parts);
    const end = await supervisor.ended(parts.control.leaving);
    failpoint('after_exit');
    watching.abort();
    parts.status.input = null;
    parts.clock.after(exitedAfterMs, () => void tellExited(parts, scene, { end, started }));
    scene.trace.phase('run', { startAt: started.at, endAt: end.endedAt });
    await settleProcesses(parts, scene, { run, supervisor });
    input.closeAll();
    await delivery.finish();
    scene.trace.phase('deliver', { startAt: end.endedAt, endAt: parts.clock.now() });
    scene.life.throwIfAborted();
    for (const loss of await delivery.declareLosses(scene.life)) scene.note('WARN', lossText(loss));
    if (delivery.hasLostMessages()) scene.note('WARN', lostMessages);
    const unread = delivery.unreadBytes();
    if (unread > 0)
      scene.note('WARN', `${unread} bytes of what the script said could not be read: they are damaged.`);
    const outcome = judgeRun(scene, end);
    return { outcome, startedAt: started.at, exitedAt: end.endedAt, delivery, usage: await run.usage() };
  } finally {
    watching.abort();
    unwatch();
    parts.status.backlog = null;
    parts.control.leaving.removeEventListener('abort', onLeaving);
  }
}

/** Samples are taken this often at first; ms. */
const sampleMs = 500;
/** And this often when the run has gone on for long: a short peak of memory counts too; ms. */
const maxSampleMs = 10_000;

async function sampleUsage({ clock, log }: TaskParts, run: Run, signal: AbortSignal): Promise<void> {
  try {
    for (let gapMs = sampleMs; ; ) {
      await clock.sleep(gapMs, signal);
      const { samples } = await run.usage();
      gapMs = Math.min(maxSampleMs, Math.max(sampleMs, samples?.everyMs ?? 0));
    }
  } catch (error) {
    if (!signal.aborted) log.debug('what a run uses can no longer be measured', { error });
  }
}

function supervise(parts: TaskParts, scene: Scene, { run, started }: BegunRun): Supervisor {
  const { task } = scene.record;
  const ms = (seconds: number | null) => (seconds === null ? null : seconds * 1000);
  return new Supervisor(parts, {
    run,
    cursor: scene.cursor,
    limits: {
      timeoutMs: ms(task.timeoutSeconds),
      noOutputTimeoutMs: ms(task.noOutputTimeoutSeconds),
      graceMs: parts.options.graceMs,
      cleanUpMs: parts.options.cleanUpMs,
    },
    ranMs: run.ranMs?.() ?? parts.clock.now() - started.at,
  });
}

function converse(
  parts: TaskParts,
  scene: Scene,
  { begun, supervisor }: { readonly begun: BegunRun; readonly supervisor: Supervisor },
): { readonly delivery: Delivery; readonly input: Input } {
  const { run } = begun;
  const { cursor, messages: control, reporter, record, masking } = scene;
  const input = new Input(parts, {
    run,
    cursor,
    control,
    masking,
    input: record.task.input,
    inputTimeoutMs: record.task.inputTimeoutSeconds * 1000,
    onWaiting: (waits) => {
      supervisor.setWaiting(waits);
      if (waits) scene.heartbeat.hurry();
    },
  });
  const delivery = new Delivery(parts, {
    run,
    reporter,
    cursor,
    masking,
    control,
    onRequest: (request) => {
      if (request.kind === 'ask') input.ask(request);
    },
  });
  return { delivery, input };
}

/** Ends what the script left behind, and waits until the record of its output is whole. */
async function settleProcesses(
  parts: TaskParts,
  scene: Scene,
  { run, supervisor }: { readonly run: Run; readonly supervisor: Supervisor },
): Promise<void> {
  const left = await supervisor.cleanUp();
  if (left > 0 && scene.reason === null) {
    scene.note(
      'WARN',
      `The script ended and left ${left} process${left === 1 ? '' : 'es'} behind; they were ended.`,
    );
  }
  const until = parts.clock.monotonicMs() + drainMs;
  for (let waitMs = 1; !(await run.drained()); waitMs = Math.min(50, waitMs * 2)) {
    if (parts.clock.monotonicMs() > until) {
      parts.log.warn('the output of a run is held open by a process that is not found', {
        directory: run.directory,
      });
      return;
    }
    await parts.clock.sleep(waitMs);
  }
}

/** Prepares the next run while this one runs. It only saves time, so it must not cost a task. */
function makeReady(parts: TaskParts): void {
  try {
    parts.executor.prepare();
  } catch (error) {
    parts.log.warn('the next run could not be prepared', { error });
  }
}

function lossText({ stream, offset, maxBytes, cause }: StreamLoss): string {
  if (cause === 'deleted') {
    return `The file that kept ${stream} was deleted while the task ran: what came behind byte ${offset} is missing.`;
  }
  const why = {
    full: 'the disk of the agent was full, or failed',
    killed: 'what writes it down was killed',
    cut: 'the file that kept it became shorter while the task ran',
  }[cause];
  return `Up to ${maxBytes} bytes of ${stream} are missing behind byte ${offset}: ${why}.`;
}

function judgeRun(scene: Scene, end: RunEnd): Outcome {
  const { declared } = scene.cursor.state;
  return judge(end, scene.reason ?? ownReason(end), declared);
}

function ownReason({ shimLost, lostBy, oomKilled }: RunEnd): EndReason | null {
  if (lostBy !== undefined) return lostBy === 'evicted' ? 'pod_evicted' : 'pod_lost';
  if (shimLost) return 'shim_lost';
  return oomKilled ? 'oom' : null;
}

async function deliverAnswers(parts: TaskParts, input: Input, answers: readonly Answer[]): Promise<void> {
  for (const answer of answers) {
    try {
      await input.answer(answer);
    } catch (error) {
      parts.log.error('an answer could not be handed to the script', { error, key: answer.key });
    }
  }
}

/** Tells the result while bytes are still on their way. Best effort: the report says it again. */
async function tellExited(
  parts: TaskParts,
  scene: Scene,
  { end, started }: { readonly end: RunEnd; readonly started: BegunRun['started'] },
): Promise<void> {
  const signal = scene.life;
  if (signal.aborted) return;
  const { exitCode, signal: endedBy, reason, message, errorCode } = judgeRun(scene, end);
  const told = {
    exitCode,
    signal: endedBy,
    reason,
    message: scene.masking.text(message),
    errorCode: scene.masking.text(errorCode),
    startedAt: new Date(Math.min(started.at, end.endedAt)).toISOString(),
    exitedAt: new Date(end.endedAt).toISOString(),
  };
  await persist(parts, 'telling the end', { signal, run: () => scene.reporter.exited(told, signal) }).catch(
    (error: unknown) => {
      if (!signal.aborted) parts.log.debug('the end was not told ahead', { error: messageOf(error) });
    },
  );
}
