/** How long the event loop is held up: the door of node:perf_hooks. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { systemClock } from '../clock/system-clock.ts';

/** Measures until it is stopped; does not keep the process alive. */
export interface EventLoopDelay {
  /** The longest hold-up of the present span and the one before it; ms, up to 100 ms too short. */
  maxMs(): number;
  /** Begins a new span. */
  roll(): void;
  stop(): void;
}

/**
 * How often the loop is looked at; ms. Every 20 ms takes four times the processor time, and nobody minds a hold-up that is
 * shorter than this.
 */
const resolutionMs = 50;
/** When the histogram has looked once for certain, and sees what comes; ms. */
const firstLookMs = 2 * resolutionMs;

/** Begins to measure. */
export function measureEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  let before = 0;
  let first = firstLook();
  histogram.enable();
  // what is recorded is the time between two looks
  const recorded = () => (histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - resolutionMs));
  const present = () => Math.max(first.lateMs(), recorded());
  return {
    maxMs: () => Math.round(Math.max(before, present())),
    roll: () => {
      before = present();
      first.stop();
      histogram.reset();
      first = firstLook();
    },
    stop: () => {
      first.stop();
      histogram.disable();
    },
  };
}

/** A histogram that is new, or was reset, does not see a hold-up that begins before its first look. A timer does. */
function firstLook(): { lateMs(): number; stop(): void } {
  const dueAt = systemClock.monotonicMs() + firstLookMs;
  let cameAt: number | null = null;
  const cancel = systemClock.after(firstLookMs, () => {
    cameAt = systemClock.monotonicMs();
  });
  return { lateMs: () => Math.max(0, (cameAt ?? systemClock.monotonicMs()) - dueAt), stop: cancel };
}
