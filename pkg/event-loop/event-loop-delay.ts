/** How long the event loop is held up: the door of node:perf_hooks. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Measures until it is stopped; does not keep the process alive. */
export interface EventLoopDelay {
  /** The longest hold-up of the present span and the one before it; ms, up to 50 ms too short. */
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

/** Begins to measure. */
export function measureEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let before = 0;
  // what is recorded is the time between two looks
  const present = () => (histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - resolutionMs));
  return {
    maxMs: () => Math.round(Math.max(before, present())),
    roll: () => {
      before = present();
      histogram.reset();
    },
    stop: () => void histogram.disable(),
  };
}
