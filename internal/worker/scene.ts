import { join } from 'node:path';
import type { AttemptReporter, Renewal, TaskSource } from '../api/task-source.ts';
import type { EndReason } from '../domain/outcome.ts';
import type { AgentControl } from './control.ts';
import { ControlLane } from './control-lane.ts';
import { Cursor } from './cursor.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Masking } from './masking.ts';
import { isGone, messageOf, type RetryParts } from './retry.ts';
import { type RunRecord, runDirectory } from './run-record.ts';
import type { RunTrace } from './run-trace.ts';
import type { TaskParts } from './task-parts.ts';

/** What a running script adds to the scene: where news for it go. */
export interface Actor {
  stop(reason: EndReason): void;
  answer(inputs: Renewal['inputs']): void;
  setTimeoutMs(timeoutMs: number | null): void;
}

/** What a scene is made of. */
export interface SceneOptions {
  readonly record: RunRecord;
  readonly runs: string;
  readonly source: TaskSource;
  readonly control: AgentControl;
  /** what is secret as far as it is known before the run */
  readonly secrets: readonly string[];
  readonly masking: TaskParts['masking'];
  readonly trace: RunTrace;
}

/**
 * One attempt from claim to report, as far as it concerns the server: the claim is held, messages go out, and news come
 * in, whether the repository is still being fetched, the script runs, or its files are sent. One object owns every
 * timer and request of the attempt.
 */
export class Scene {
  readonly record: RunRecord;
  readonly directory: string;
  readonly reporter: AttemptReporter;
  readonly cursor: Cursor;
  readonly messages: ControlLane;
  readonly heartbeat: Heartbeat;
  readonly trace: RunTrace;
  readonly #parts: RetryParts;
  readonly #life = new AbortController();
  readonly #preparing = new AbortController();
  readonly #control: AgentControl;
  readonly #makeMasking: TaskParts['masking'];
  #masking: Masking;
  #secrets: readonly string[];
  readonly #hidden = new Set<string>();
  #actor: Actor | null = null;
  #isGone = false;
  #isRefused = false;
  #isSpeaking = false;
  #work: Promise<unknown> = Promise.resolve();
  readonly #onCancelling = () => this.stop('agent_stop');
  readonly #onLeaving = () => this.#life.abort(this.#control.leaving.reason);

  constructor(parts: RetryParts, options: SceneOptions) {
    this.#parts = parts;
    this.#control = options.control;
    this.record = options.record;
    this.trace = options.trace;
    const { task, attempt } = options.record;
    this.directory = runDirectory(options.runs, task.id, attempt);
    this.cursor = new Cursor(join(this.directory, 'cursor.json'), parts.clock);
    const { stdout, stderr } = this.cursor.state.streams;
    const acknowledged = { stdout: stdout.offset, stderr: stderr.offset };
    this.#makeMasking = options.masking;
    this.#secrets = options.secrets;
    this.#masking = options.masking(options.secrets, this.cursor.state.lateSecrets);
    this.reporter = options.source.reporter({ taskId: task.id, attempt, acknowledged });
    this.messages = new ControlLane(parts, this.reporter, this.cursor);
    this.heartbeat = new Heartbeat(parts, this.reporter, {
      onCancel: () => this.stop('cancel'),
      onInputs: (inputs) => this.#actor?.answer(inputs),
      onTimeout: (timeoutMs) => this.#actor?.setTimeoutMs(timeoutMs),
      onGone: (error) => this.fail(error),
      deliveredInputs: () => this.cursor.state.deliveredInputs,
    });
  }

  /** Aborted when nothing more may be sent: the attempt is gone, or the agent leaves. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** Aborted when what comes before the run is to be given up. */
  get preparing(): AbortSignal {
    return this.#preparing.signal;
  }

  /** Masks what leaves the agent: output, and every text about the attempt. */
  get masking(): Masking {
    return this.#masking;
  }

  /** Whether the server no longer wants this attempt. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether the server refused something of this attempt although it is still ours: what it lacks is nowhere else. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Why the attempt is being ended; null when it is not. */
  get reason(): EndReason | null {
    return this.cursor.state.reason;
  }

  /** Says what is secret in the run, all of it but what was hidden already; before the script starts. */
  know(secrets: readonly string[]): void {
    this.#secrets = secrets;
    this.#masking = this.#makeMasking(this.secrets, this.cursor.state.lateSecrets);
  }

  /** Masks one more value from now on; before the script starts. */
  hide(secret: string): void {
    this.#hidden.add(secret);
    this.know(this.#secrets);
  }

  /** All that is masked from the start of the run on. */
  get secrets(): readonly string[] {
    return [...new Set([...this.#secrets, ...this.#hidden])];
  }

  /** Begins to hold the claim. */
  begin(): void {
    this.#control.cancelling.addEventListener('abort', this.#onCancelling);
    this.#control.leaving.addEventListener('abort', this.#onLeaving);
    if (this.#control.leaving.aborted) this.#onLeaving();
    else if (this.#control.cancelling.aborted) this.#onCancelling();
    this.#work = this.heartbeat.beat(this.life);
  }

  /** Begins to send messages; after what was said while no agent was there has been read. Once. */
  speak(): void {
    if (this.#isSpeaking) return;
    this.#isSpeaking = true;
    const sending = this.messages.carry(this.life).catch((error: unknown) => {
      if (!this.life.aborted) this.fail(error);
    });
    this.#work = Promise.all([this.#work, sending]);
  }

  /** The script runs: news go to it from here on. */
  enter(actor: Actor): void {
    this.#actor = actor;
    if (this.reason !== null) actor.stop(this.reason);
  }

  /** Ends the attempt; the first reason stands. */
  stop(reason: EndReason): void {
    if (this.#actor !== null) {
      this.#actor.stop(reason);
      return;
    }
    this.cursor.state.reason ??= reason;
    this.cursor.save();
    this.#preparing.abort(new Error(`the task is being ended: ${reason}`));
  }

  /** The server refused something for good: the attempt is not ours any more, so its run ends and nothing is reported. */
  fail(error: unknown): void {
    if (this.#isGone || this.#life.signal.aborted) return;
    this.#isGone = true;
    this.#isRefused = !isGone(error);
    const { task, attempt } = this.record;
    const what = { taskId: task.id, attempt, error: messageOf(error) };
    if (this.#isRefused) {
      const kept = { ...what, keptIn: this.directory };
      this.#parts.log.error('the attempt is given up: the server does not take it; its output is kept', kept);
    } else this.#parts.log.warn('the attempt is given up: the server does not want it any more', what);
    this.stop('lost_lease');
    this.#life.abort(error);
  }

  /** Says something about the task in its own log. */
  note(level: 'INFO' | 'WARN' | 'ERROR', message: string): void {
    const at = new Date(this.#parts.clock.now()).toISOString();
    this.messages.say({ kind: 'log', at, level, message: this.#masking.text(message), source: 'agent' });
  }

  /** Ends every timer and request of the attempt. */
  async close(): Promise<void> {
    this.#control.cancelling.removeEventListener('abort', this.#onCancelling);
    this.#control.leaving.removeEventListener('abort', this.#onLeaving);
    this.#life.abort(new Error('the attempt is over'));
    await this.#work;
    this.cursor.close();
  }
}
