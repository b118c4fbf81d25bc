import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { EndReason } from '../domain/outcome.ts';
import type { Run, RunEnd } from '../executor/executor.ts';
import type { Cursor } from './cursor.ts';
import { Wakeup } from './wakeup.ts';

/** Limits of a run. */
export interface RunLimits {
  /** from its start; ms; null = none */
  readonly timeoutMs: number | null;
  /** ms without a byte of output; null = none */
  readonly noOutputTimeoutMs: number | null;
  /** between asking the processes to end and ending them; ms */
  readonly graceMs: number;
  /** how long background processes of a script that has ended get after being asked to end; ms */
  readonly cleanUpMs: number;
}

/** How long processes may take to be gone by themselves once the script has ended; ms. */
const settleMs = 20;

/** What a supervisor needs. */
export interface SupervisorParts {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Watches one run to its end, alone and by the monotonic clock: limits hold with the API away. It is the only one that
 * ends a run, and the first reason stands.
 */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #run: Run;
  readonly #cursor: Cursor;
  readonly #limits: RunLimits;
  readonly #bell: Wakeup;
  #deadline = Number.POSITIVE_INFINITY;
  readonly #startedAt: number;
  #outputAt: number;
  #outputBytes = 0;
  #killAt: number | null = null;
  #waitsForPeople = false;

  /** @param ranMs  for how long the run has been running already; ms; 0 for a new one */
  constructor(
    parts: SupervisorParts,
    options: {
      readonly run: Run;
      readonly cursor: Cursor;
      readonly limits: RunLimits;
      readonly ranMs: number;
    },
  ) {
    this.#parts = parts;
    this.#run = options.run;
    this.#cursor = options.cursor;
    this.#limits = options.limits;
    this.#bell = new Wakeup(parts.clock);
    this.#startedAt = parts.clock.monotonicMs() - Math.max(0, options.ranMs);
    this.#outputAt = parts.clock.monotonicMs();
    this.setTimeoutMs(options.limits.timeoutMs);
  }

  /** Changes the run's time limit, counted from its start. @param timeoutMs  ms; null = none */
  setTimeoutMs(timeoutMs: number | null): void {
    this.#deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : this.#startedAt + timeoutMs;
    this.#bell.ring();
  }

  /** While a person is being waited for, silence is not counted. */
  setWaiting(waits: boolean): void {
    if (waits !== this.#waitsForPeople) this.#outputAt = this.#parts.clock.monotonicMs();
    this.#waitsForPeople = waits;
  }

  /** Ends the run: asks its processes, and after the grace ends them. A later reason, or a run that ended, changes nothing. */
  async stop(reason: EndReason): Promise<void> {
    if (this.#killAt !== null || (await this.#run.ended()) !== null) return;
    this.#cursor.state.reason ??= reason;
    this.#cursor.save();
    this.#killAt = this.#parts.clock.monotonicMs() + this.#limits.graceMs;
    this.#parts.log.info('ending the run', { reason: this.#cursor.state.reason });
    await this.#run.interrupt();
    this.#bell.ring();
  }

  /** Says that the run may have changed. */
  look(): void {
    this.#bell.ring();
  }

  /** Waits for the script's own process to end. @throws the signal's reason: the run goes on without us */
  async ended(signal: AbortSignal): Promise<RunEnd> {
    if (this.#cursor.state.reason !== null) await this.stop(this.#cursor.state.reason);
    for (;;) {
      signal.throwIfAborted();
      const end = await this.#run.ended();
      if (end !== null) return end;
      await this.#enforce();
      await this.#bell.wait(Math.min(1000, Math.max(1, this.#nextAt() - this.#parts.clock.monotonicMs())));
    }
  }

  /** Ends what a script left behind when it ended. @returns how many processes there were */
  async cleanUp(): Promise<number> {
    const seen = await this.#run.processes();
    if (seen.length === 0) return 0;
    // what is on its way out anyway (the run's own recorders among them) is not called a leftover
    await this.#parts.clock.sleep(settleMs);
    const still = await this.#run.processes();
    const left = still.filter(({ pid, startTicks }) =>
      seen.some((process) => process.pid === pid && process.startTicks === startTicks),
    );
    if (still.length === 0) return 0;
    await this.#run.interrupt();
    // a run that is being ended has its grace and no more, however it divides it among its processes
    const mayTakeUntil = this.#parts.clock.monotonicMs() + this.#limits.cleanUpMs;
    const until = Math.min(mayTakeUntil, this.#killAt ?? mayTakeUntil);
    while (this.#parts.clock.monotonicMs() < until) {
      if ((await this.#run.processes()).length === 0) return left.length;
      await this.#parts.clock.sleep(50);
    }
    await this.#run.kill();
    return left.length;
  }

  #nextAt(): number {
    if (this.#killAt !== null) return this.#killAt;
    const silence = this.#limits.noOutputTimeoutMs;
    return Math.min(this.#deadline, silence === null ? Number.POSITIVE_INFINITY : this.#outputAt + silence);
  }

  async #enforce(): Promise<void> {
    const now = this.#parts.clock.monotonicMs();
    if (this.#killAt !== null) {
      if (now >= this.#killAt) {
        this.#killAt = now + this.#limits.graceMs;
        await this.#run.kill();
      }
      return;
    }
    if (now >= this.#deadline) return this.stop('timeout');
    const silence = this.#limits.noOutputTimeoutMs;
    if (silence === null) return;
    const bytes = (await this.#run.size('stdout')) + (await this.#run.size('stderr'));
    if (bytes !== this.#outputBytes || this.#waitsForPeople) {
      this.#outputBytes = bytes;
      this.#outputAt = now;
    } else if (now - this.#outputAt >= silence) await this.stop('no_output_timeout');
  }
}
