import type { Clock } from '../../../pkg/clock/clock.ts';
import { signalProcess } from '../../../pkg/process/proc.ts';
import type { RunProcesses } from './process-tree.ts';

/** How long the keepers may take to write down what is still in the pipes; ms. */
const drainMs = 2000;
const firstWaitMs = 1;
const longestWaitMs = 20;

/** What a sweep works on. */
export interface Sweep {
  readonly clock: Clock;
  /** looks at the machine anew */
  readonly find: () => RunProcesses;
  readonly isDrained: () => boolean;
}

/**
 * Ends every process of a run: first what came from the script, again and again, since new children may appear between
 * a look and a signal; then, once all output is written or its time is up, the keepers.
 * @returns how many processes of the script were found
 */
export async function sweepRun({ clock, find, isDrained }: Sweep): Promise<number> {
  const ended = new Set<string>();
  let wait = firstWaitMs;
  let quietSince: number | null = null;
  for (;;) {
    const { scripts, keepers } = find();
    for (const process of scripts) {
      if (signalProcess(process, 'SIGKILL')) ended.add(`${process.pid}.${process.startTicks}`);
    }
    if (scripts.length === 0 && (keepers.length === 0 || isDrained())) return ended.size;
    const now = clock.monotonicMs();
    quietSince = scripts.length > 0 ? null : (quietSince ?? now);
    if (quietSince !== null && now - quietSince >= drainMs) {
      for (const process of keepers) signalProcess(process, 'SIGKILL');
    }
    await clock.sleep(wait);
    wait = Math.min(longestWaitMs, wait * 2);
  }
}
