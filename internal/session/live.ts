/**
 * What live readers get: first a snapshot, then every event, output as it arrives, and an end for each task whose
 * output is complete. Every message but a heartbeat carries a position from which a reader goes on without loss and
 * without getting output twice.
 *
 * Output is pulled from the blob store at the speed of the reader: a slow one costs no memory. One that is too far
 * behind jumps, and is told so.
 */
import type { Attempt } from '../domain/attempt.ts';
import type { LiveEvent } from '../domain/records.ts';
import type { Session } from '../domain/session.ts';
import type { Task } from '../domain/task.ts';
import { isActive, isEnded } from '../domain/task-status.ts';
import { visibleSession, visibleTask } from './authorize.ts';
import { isDrained, pumpOutput } from './live-output.ts';
import { type Follow, type LivePosition, maxFollows, readPosition, writePosition } from './live-position.ts';
import { maxLogViewBytes } from './log-view.ts';
import type { Caller, SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';
import { toInstant, toSessionWire, toTaskWire } from './wire.ts';

/** How long a reader hears nothing at most; ms. */
const heartbeatMs = 15_000;
/** How many tasks the snapshot of a session has at most: the newest. */
const maxSnapshotTasks = 200;
const eventsAtOnce = 100;

/** One message to a live reader; a heartbeat has neither id nor data. */
export type LiveMessage =
  | { readonly event: 'heartbeat' }
  | { readonly event: string; readonly id: string; readonly data: Readonly<Record<string, unknown>> };

/** What a reader wants to follow. */
export interface LiveWish {
  readonly caller: Caller;
  /** the id that the reader had last; anything unreadable counts as none */
  readonly lastEventId: string | undefined;
  /** whether it wants the output too */
  readonly output: boolean;
  /** whether it is spared the middle of output in which it is behind by more than a view shows; default true */
  readonly elide?: boolean;
  readonly signal: AbortSignal;
}

/** Follows a session and all its tasks until the signal is aborted. @throws {NotFoundError} before the first message */
export async function followSession(
  parts: SessionParts,
  wish: LiveWish & { readonly sessionId: string },
): Promise<AsyncIterable<LiveMessage>> {
  const session = await visibleSession(parts.store, wish.caller, wish.sessionId);
  return new Follower(parts, wish, { session, taskId: null }).messages();
}

/** Follows one task to its end. @throws {NotFoundError} before the first message */
export async function followTask(
  parts: SessionParts,
  wish: LiveWish & { readonly taskId: string },
): Promise<AsyncIterable<LiveMessage>> {
  const task = await visibleTask(parts.store, wish.caller, wish.taskId);
  const session = await visibleSession(parts.store, wish.caller, task.sessionId);
  return new Follower(parts, wish, { session, taskId: task.id }).messages();
}

class Follower {
  readonly #parts: SessionParts;
  readonly #wish: LiveWish;
  readonly #session: Session;
  readonly #taskId: string | null;
  #at: LivePosition = { seq: 0, follows: [] };
  /** followed attempts whose end was told, so that no event tells of their beginning any more */
  readonly #ended = new WeakSet<Follow>();
  /** followed attempts that had ended when this reader came; their end may never be told again */
  #endedBefore: Follow[] = [];

  constructor(
    parts: SessionParts,
    wish: LiveWish,
    what: { readonly session: Session; readonly taskId: string | null },
  ) {
    this.#parts = parts;
    this.#wish = wish;
    this.#session = what.session;
    this.#taskId = what.taskId;
  }

  async *messages(): AsyncGenerator<LiveMessage, void, void> {
    const { store, clock } = this.#parts;
    const wakeup = new Wakeup(store, `session:${this.#session.id}`);
    try {
      yield await this.#begin();
      for (;;) {
        // In this order, what a task printed before an event is told before the event.
        const events = await store.events(this.#session.id, this.#at.seq, eventsAtOnce);
        yield* this.#tellOutput();
        for (const event of events) {
          yield* this.#tellEvent(event);
          if (this.#noteEnd(event)) yield* this.#tellOutput();
        }
        if (events.length > 0) continue;
        if (this.#leaveBehind()) continue;
        if (yield* this.#tellEnd()) return;
        const woken = await wakeup.wait(clock, heartbeatMs, this.#wish.signal);
        if (woken === 'stopped') return;
        if (woken === 'time') yield { event: 'heartbeat' };
        if (woken === 'time' && !(await store.session(this.#session.id))) return;
      }
    } finally {
      wakeup.close();
    }
  }

  async #begin(): Promise<LiveMessage> {
    const { store } = this.#parts;
    const resumed = readPosition(this.#wish.lastEventId);
    // The number first: what happens between the two is told twice rather than never.
    const seq = await store.lastEventSeq(this.#session.id);
    const tasks = await this.#tasks();
    if (resumed && resumed.seq <= seq) this.#at = resumed;
    else this.#at = { seq, follows: await this.#freshFollows(tasks) };
    for (const follow of this.#at.follows) {
      const task = await store.task(follow.taskId);
      if (!task || task.attempt > follow.number || !mayGoOn(task)) this.#endedBefore.push(follow);
    }
    const data = { session: toSessionWire(this.#session), tasks: tasks.map(summaryOf) };
    return this.#message('snapshot', data);
  }

  async #tasks(): Promise<Task[]> {
    const { store } = this.#parts;
    if (this.#taskId === null) {
      const page = { limit: maxSnapshotTasks, offset: 0 };
      return store.tasks({ sessionId: this.#session.id }, 'newest', page);
    }
    const task = await store.task(this.#taskId);
    return task ? [task] : [];
  }

  async #freshFollows(tasks: readonly Task[]): Promise<Follow[]> {
    const follows: Follow[] = [];
    for (const task of tasks) {
      if (task.attempt === 0 || (this.#taskId === null && !isActive(task.status))) continue;
      const attempt = await this.#parts.store.attempt(task.id, task.attempt);
      if (attempt) follows.push({ taskId: task.id, number: task.attempt, offsets: { stdout: 0, stderr: 0 } });
    }
    return follows.slice(0, 4);
  }

  async *#tellEvent(event: LiveEvent): AsyncGenerator<LiveMessage, void, void> {
    this.#at.seq = event.seq;
    if (this.#taskId !== null && event.taskId !== this.#taskId) return;
    if (event.type === 'status') this.#openFollow(event);
    yield this.#message(event.type, { ...event.data, at: toInstant(event.at) });
  }

  #openFollow({ taskId, data }: LiveEvent): void {
    const number = Number(data.attempt);
    if (taskId === null || !(number > 0) || data.status !== 'PROCESSING') return;
    const { follows } = this.#at;
    if (follows.some((follow) => follow.taskId === taskId && follow.number >= number)) return;
    const follow = { taskId, number, offsets: { stdout: 0, stderr: 0 } };
    this.#at.follows = [...follows, follow].slice(-maxFollows);
  }

  /** Notes that an attempt that is followed has ended; @returns whether one has, so that its last output is told first. */
  #noteEnd({ type, taskId, data }: LiveEvent): boolean {
    if (type !== 'status') return false;
    const over = (follow: Follow) =>
      follow.taskId === taskId && (follow.number < Number(data.attempt) || !mayGoOn(data));
    const ended = this.#at.follows.filter(over);
    for (const follow of ended) this.#ended.add(follow);
    return ended.length > 0;
  }

  /** Once every event is told, attempts that had ended before are as good as told; @returns whether there are any. */
  #leaveBehind(): boolean {
    const before = this.#endedBefore;
    this.#endedBefore = [];
    for (const follow of before) this.#ended.add(follow);
    return before.length > 0;
  }

  async *#tellOutput(): AsyncGenerator<LiveMessage, void, void> {
    const { store } = this.#parts;
    for (const follow of [...this.#at.follows]) {
      const attempt = await store.attempt(follow.taskId, follow.number);
      if (attempt && this.#wish.output) {
        const maxBytes = this.#wish.elide === false ? null : maxLogViewBytes(this.#parts);
        for await (const piece of pumpOutput(this.#parts, follow, attempt, maxBytes)) {
          yield this.#message('text' in piece ? 'output' : 'elided', { ...piece });
          if (this.#wish.signal.aborted) return;
        }
      }
      const task = await store.task(follow.taskId);
      if (attempt && task && !(this.#ended.has(follow) && isPast(task, attempt))) continue;
      if (attempt && this.#wish.output && !isDrained(follow, attempt)) continue;
      this.#at.follows = this.#at.follows.filter((each) => each !== follow);
      if (task && isEnded(task.status) && task.attempt === follow.number && this.#taskId === null) {
        yield this.#message('end', endOf(task));
      }
    }
  }

  /** Ends the stream of one task when nothing more can come of it. */
  async *#tellEnd(): AsyncGenerator<LiveMessage, boolean, void> {
    if (this.#taskId === null) return false;
    const task = await this.#parts.store.task(this.#taskId);
    if (!task) return true;
    const attempt = task.attempt === 0 ? null : await this.#parts.store.attempt(task.id, task.attempt);
    if (!isEnded(task.status) || (attempt && !isPast(task, attempt))) return false;
    if (this.#at.follows.some((follow) => follow.number === task.attempt)) return false;
    yield this.#message('end', endOf(task));
    return true;
  }

  #message(event: string, data: Readonly<Record<string, unknown>>): LiveMessage {
    return { event, id: writePosition(this.#at), data };
  }
}

/** Whether an attempt of a task in this state may still be going on. */
function mayGoOn({ status }: { readonly status?: unknown }): boolean {
  return status === 'PROCESSING' || status === 'WAITING_FOR_INPUT' || status === 'LOST';
}

/** Whether nothing more is expected of an attempt. What comes late of a lost one can be read in the log. */
function isPast(task: Task, attempt: Attempt): boolean {
  if (attempt.state === 'finished' || attempt.state === 'superseded') return true;
  return isEnded(task.status) && (attempt.state === 'lost' || attempt.leaseUntil === null);
}

/** A task without what may be a mebibyte of script. */
function summaryOf(task: Task): Readonly<Record<string, unknown>> {
  const { script: _script, parameters: _parameters, ...summary } = toTaskWire(task);
  return summary;
}

function endOf(task: Task): Readonly<Record<string, unknown>> {
  const { id, status, exitCode, signal, reason, attempt, message, errorCode, logComplete } = toTaskWire(task);
  return { taskId: id, status, exitCode, signal, reason, attempt, message, errorCode, logComplete };
}
