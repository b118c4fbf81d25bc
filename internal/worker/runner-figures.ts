/** What an agent counts of the tasks that a runner did in its runs. */
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from '../../pkg/files/json-file.ts';
import { resultFile } from '../runner/do-task.ts';
import { runnerPhases } from '../runner/runner.ts';

/** How a phase may have ended. */
export const phaseOutcomes = ['done', 'skipped', 'failed'] as const;

/** The part of a result that is counted. Whoever worked in the run could have written to it: what is odd counts for nothing. */
const resultShape = z.object({
  phases: z
    .array(
      z.object({
        phase: z.enum(runnerPhases),
        outcome: z.enum(phaseOutcomes),
        durationMs: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
      }),
    )
    .max(20),
  tests: z.object({ rounds: z.number().int().min(0).max(1000) }).nullable(),
});

/** @see runnerFigures */
export type RunnerFigures = z.infer<typeof resultShape>;

/** Reads what the runner of a run came to. @returns null when there was none, or it did not come to its end */
export function runnerFigures(runDirectory: string): RunnerFigures | null {
  const read = resultShape.safeParse(readJsonFile(join(runDirectory, 'runner', resultFile)));
  return read.success ? read.data : null;
}

/** Sums over all tasks of a runner that the agent brought to their end. */
export class RunnerTally {
  /** by `phase outcome` */
  readonly ends = new Map<string, number>();
  /** by phase; ms */
  readonly phaseMs = new Map<string, number>();
  testRounds = 0;

  count({ phases, tests }: RunnerFigures): void {
    for (const { phase, outcome, durationMs } of phases) {
      const key = `${phase} ${outcome}`;
      this.ends.set(key, (this.ends.get(key) ?? 0) + 1);
      this.phaseMs.set(phase, (this.phaseMs.get(phase) ?? 0) + durationMs);
    }
    this.testRounds += tests?.rounds ?? 0;
  }
}
