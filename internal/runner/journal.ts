/** What a runner has done for its task, so that a second start in the same directory goes on where the first one ended. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import type { WorkUsage } from '../coder/coding-agent.ts';
import { ConflictError } from '../domain/errors.ts';
import type { ReadyBranch } from '../pool/flow/prepare-branch.ts';
import type { PhaseResult, RunnerArtifact, RunnerResult, RunnerTask } from './runner.ts';

/** What is known of the work. A part that is null was not done, or not to its end. */
export interface JournalState {
  version: 1;
  /** of the task: another one has no business here */
  readonly task: string;
  /** the slot that the work is in */
  slot: { readonly id: string; readonly path: string } | null;
  prepared: ReadyBranch | null;
  /** the last words of whoever did the work */
  implemented: { readonly summary: string } | null;
  tested: RunnerResult['tests'];
  /** whether tests have passed as wished, or there are none */
  isTested: boolean;
  committed: { readonly commit: string; readonly changes: RunnerResult['changes'] } | null;
  pushed: { readonly url: string | null } | null;
  /** of all rounds of the coding agent that have ended */
  usage: WorkUsage | null;
  /** rounds of the coding agent that have begun */
  rounds: number;
  phases: PhaseResult[];
  artifacts: RunnerArtifact[];
  /** when the task was begun; epoch ms */
  readonly beganAt: number;
}

/** The journal of a directory. */
export interface Journal {
  readonly state: JournalState;
  /** whether an earlier start wrote it */
  readonly isOld: boolean;
  /** Writes the state; it survives the death of this process when it returns. */
  save(): void;
  /** Begins anew, but for what was spent. */
  forget(): void;
}

/**
 * Opens the journal of a directory, which is made.
 * @param now  epoch ms
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY when it is another task's
 */
export function openJournal(directory: string, task: RunnerTask, now: number): Journal {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'journal.json');
  const mark = createHash('sha256').update(JSON.stringify(task)).digest('hex');
  const found = readJsonFile(file) as JournalState | null;
  if (found !== null && found.task !== mark)
    throw new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `${directory} holds the work of another task; expected this one's or nothing. Choose another directory with --state`,
    );
  const state: JournalState = found ?? emptyState(mark, now);
  return {
    state,
    isOld: found !== null,
    save: () => {
      failpoint('runner_saving');
      writeJsonFile(file, state);
    },
    forget: () => {
      const { usage, rounds, beganAt } = state;
      Object.assign(state, emptyState(mark, beganAt), { usage, rounds });
    },
  };
}

function emptyState(task: string, beganAt: number): JournalState {
  return {
    ...{ version: 1, task, beganAt },
    ...{ slot: null, prepared: null, implemented: null, tested: null, isTested: false },
    ...{ committed: null, pushed: null, usage: null, rounds: 0, phases: [], artifacts: [] },
  };
}
