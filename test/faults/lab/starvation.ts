/** How long this machine itself held a process up, so that a busy machine is not taken for a slow program. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { measureEventLoopDelay } from '../../../pkg/event-loop/event-loop-delay.ts';

/** How often the kernel's count is read; ms. */
const lookEveryMs = 20;

/** Why it cannot be told here; null when it can. */
export const noStarvation = existsSync('/proc/self/schedstat') ? null : 'needs /proc/PID/schedstat';

/** Lets a process, and what it starts, go before everybody else where that is allowed. For what has a time limit. */
export function goFirst(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGHEST);
    // where sessions share the processors among them, this one has to go first as well; see sched(7)
    writeFileSync(`/proc/${pid}/autogroup`, '-20');
  } catch {
    // not root, or no such file: it waits for its turn like everybody
  }
}

/**
 * Looks for how long this process has to wait for a processor from now on. What it measures itself may be longer by that:
 * next to nothing on a quiet machine.
 * @returns tells how long it was; ms
 */
export function heldUp(): () => number {
  const before = noStarvation === null ? waitedMsOf('self') : 0;
  return () => (noStarvation === null ? Math.ceil(waitedMsOf('self') - before) : 0);
}

/**
 * The same of a process that was just started, from its start to its end, which may come meanwhile.
 * @returns tells for how long its main thread had to wait so far; ms; stops looking
 */
export function heldUpSinceStart(pid: number): () => number {
  let waitedMs = 0;
  const look = () => {
    try {
      waitedMs = waitedMsOf(pid);
    } catch {
      // it has ended: what was seen last stands
    }
  };
  const timer = setInterval(look, lookEveryMs);
  look();
  return () => {
    clearInterval(timer);
    return Math.ceil(waitedMs);
  };
}

/** The same of a process that runs already, from now on. @returns as {@link heldUpSinceStart} */
export function heldUpFromNow(pid: number): () => number {
  const before = noStarvation === null ? waitedMsOf(pid) : 0;
  const held = heldUpSinceStart(pid);
  return () => Math.max(0, Math.ceil(held() - before));
}

/** For how long the main thread of a process was ready to run and had to wait, since its start; ms. */
function waitedMsOf(pid: number | 'self'): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1] ?? 0) / 1e6;
}

/**
 * Watches a process and, beside it, this one, whose own loop has next to nothing to do. The kernel counts how long the main
 * thread of a process was ready to run and had to wait for a processor.
 * @see kernel.org Documentation/scheduler/sched-stats.rst
 */
export class Starvation {
  readonly #pid: number;
  readonly #own = measureEventLoopDelay();
  readonly #looks: { readonly at: number; readonly waitedMs: number }[] = [];
  readonly #timer = setInterval(() => this.#look(), lookEveryMs);

  /** Begins; where that is allowed, lets the process go before others. @param pid  of the process that is measured */
  constructor(pid: number) {
    this.#pid = pid;
    goFirst(pid);
    this.#look();
  }

  /**
   * The longest wait of the main thread for a processor in any span of this length; ms. Of a hold-up as long as that, so
   * much is not its own.
   */
  waitedMs(spanMs: number): number {
    let [first, worst] = [0, 0];
    for (const { at, waitedMs } of this.#looks) {
      while (at - (this.#looks[first]?.at ?? at) > spanMs + 2 * lookEveryMs) first += 1;
      worst = Math.max(worst, waitedMs - (this.#looks[first]?.waitedMs ?? 0));
    }
    return Math.ceil(Math.min(spanMs, worst));
  }

  /** The same for what other threads, or this process, have a part in; ms: at least the longest hold-up of this process. */
  othersMs(spanMs: number): number {
    return Math.max(this.waitedMs(spanMs), Math.min(spanMs, this.#own.maxMs()));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#own.stop();
  }

  #look(): void {
    try {
      this.#looks.push({ at: performance.now(), waitedMs: waitedMsOf(this.#pid) });
    } catch {
      // it has ended: what was seen last stands
    }
  }
}
