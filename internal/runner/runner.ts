/**
 * The runner: does one task of kind `playbook` or `agent` from the first fetch to the pushed branch, and tells how it went. It is a
 * program of its own (`keruta runner run`), with or without an agent around it: in a run it is what stands in the place of the script.
 *
 * Phases, in this order: prepare (slot, branch), implement (playbook, or coding agent), test (with rounds back to the coding agent),
 * commit (behind the gate), push, report. Each is told as it begins and ends.
 *
 * Laws, each a test:
 * - a phase that ended is not done again by a second start in the same directory, and one that was broken off is;
 * - whatever happens a result is written, and the slot is given back with nothing lost that was in it;
 * - nothing is pushed that was not tested as wished and let through by the gate;
 * - no secret is in what is printed, told, kept or sent;
 * - when it has ended nothing that it started is alive.
 */

import type { TestReport } from '../../pkg/junit/junit.ts';
import type { CoderDefinition } from '../coder/read-coder.ts';
import type { TaskContext, TaskKind } from '../domain/task-context.ts';

/** What is to be done, and where it comes from. */
export interface RunnerTask {
  readonly kind: Exclude<TaskKind, 'script'>;
  /** of the session API; else made of `taskId`, or of a hash of the context. Names branch, refs and trailer */
  readonly id: string;
  /** null outside of a session */
  readonly sessionId: string | null;
  readonly context: TaskContext;
  /** null: only with `context.slotPath` */
  readonly repositoryUrl: string | null;
  /** null: the repository's default branch */
  readonly ref: string | null;
  /** tasks that this one came from, the nearest last */
  readonly story: readonly { readonly title: string; readonly description: string }[];
  /** titles of tasks that were done before it and that it builds on */
  readonly dependencies: readonly string[];
  /** ids of tasks whose commits may stand on the branch: those it came from */
  readonly parentIds: readonly string[];
  /** what failed, when this task is to mend it */
  readonly failure: {
    readonly errorCode: string;
    readonly errorMessage: string;
    readonly bundle: Readonly<Record<string, unknown>> | null;
  } | null;
  /** variables of conditions and steps */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** How tasks are done here. Read from a file, variables and defaults by `readRunnerConfig`. */
export interface RunnerConfig {
  /** where steps, tests and command agents run. In a run of keruta it is the executor's business, and `local-process` here */
  readonly executionMode: 'local-process' | 'docker' | 'kubernetes';
  /** other services in the place of ours; null = ours */
  readonly services: {
    readonly taskRegistryUrl: string | null;
    readonly repoPoolUrl: string | null;
    readonly artifactStoreUrl: string | null;
  };
  /** null: only playbooks can be run */
  readonly coder: CoderDefinition | null;
  /** of the whole task; ms */
  readonly timeoutMs: number;
  /** repetitions after a fault of the network, of git and of services */
  readonly retries: { readonly git: number; readonly network: number };
  readonly limits: { readonly memoryMb: number | null; readonly cpuPercent: number | null };
  readonly log: { readonly level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'; readonly isStructured: boolean };
  /** name of the variable with the token for https repositories; with `_FILE` behind it, of one that names a file */
  readonly gitTokenVariable: string;
  readonly branch: { readonly template: string | null };
  readonly commit: {
    readonly template: string | null;
    readonly author: { readonly name: string; readonly email: string };
    readonly signing: { readonly format: 'openpgp' | 'ssh'; readonly key: string } | null;
    /** largest file that may be committed; bytes */
    readonly maxFileBytes: number;
  };
  readonly tests: {
    /** null: found out from what stands in the repository; `''`: none */
    readonly command: string | null;
    /** file of the JUnit kind that the command writes, relative to the work tree; null = none, or what is found out */
    readonly report: string | null;
    /** ms */
    readonly timeoutMs: number;
    /** how often failures go back to the coding agent; 0 = never */
    readonly rounds: number;
  };
  /** what `executionMode: docker` needs */
  readonly docker: { readonly image: string; readonly volumes: Readonly<Record<string, string>> } | null;
  /** what `executionMode: kubernetes` needs */
  readonly kubernetes: {
    readonly namespace: string;
    readonly image: string;
    readonly secrets: readonly string[];
  } | null;
}

/** Phases, in their order. */
export const runnerPhases = ['prepare', 'implement', 'test', 'commit', 'push', 'report'] as const;
/** @see runnerPhases */
export type RunnerPhase = (typeof runnerPhases)[number];

/** What can go wrong, by where it did. A closed list: dispatchers match on these. */
export const runnerErrorKinds = [
  'TaskContextValidationError',
  'WorkspacePreparationError',
  'ImplementationError',
  'TestExecutionError',
  'PushError',
  'ArtifactUploadError',
  'TimeoutError',
  'RunnerError',
] as const;
/** @see runnerErrorKinds */
export type RunnerErrorKind = (typeof runnerErrorKinds)[number];

/** Why a task failed. */
export interface RunnerError {
  readonly kind: RunnerErrorKind;
  /** for people; masked */
  readonly message: string;
  /** files of a conflict, findings of the gate, tests that failed: at most 50 lines; masked */
  readonly details: readonly string[];
}

/** A file that was made, and where it was put. */
export interface RunnerArtifact {
  readonly type: 'diff' | 'log' | 'transcript' | 'test_report' | 'result' | 'file';
  readonly name: string;
  /** of the artifact store; for ours a `file:` URL, in a run `artifact:<path>` of the task */
  readonly uri: string;
  readonly sizeBytes: number;
}

/** What a phase came to. */
export interface PhaseResult {
  readonly phase: RunnerPhase;
  readonly outcome: 'done' | 'skipped' | 'failed';
  /** in a few words, masked; `''` = nothing to say */
  readonly message: string;
  readonly durationMs: number;
}

/** What a task came to. Written to `result.json`; its texts are masked. */
export interface RunnerResult {
  readonly success: boolean;
  readonly error: RunnerError | null;
  readonly taskId: string;
  readonly phases: readonly PhaseResult[];
  readonly artifacts: readonly RunnerArtifact[];
  /** null: there was none yet */
  readonly branch: string | null;
  readonly commit: string | null;
  readonly isPushed: boolean;
  /** of the pull or merge request */
  readonly pullRequestUrl: string | null;
  readonly changes: {
    readonly files: number;
    readonly insertions: number;
    readonly deletions: number;
  } | null;
  /** of the last round; null: there were none */
  readonly tests: {
    readonly command: string;
    readonly passed: boolean;
    readonly rounds: number;
    readonly report: Pick<TestReport, 'tests' | 'failed' | 'skipped'> | null;
  } | null;
  /** what the coding agent spent; null: there was none */
  readonly usage: {
    readonly model: string | null;
    readonly calls: number;
    readonly tokensIn: number;
    readonly tokensOut: number;
    /** null = not known */
    readonly costMicros: number | null;
  } | null;
  readonly durationMs: number;
  /** highest of the runner itself; in a run of keruta the agent measures all of it. Null where the machine does not tell */
  readonly memoryMb: number | null;
  /** of the runner and what it started, of one core, over the whole time; null likewise */
  readonly cpuPercent: number | null;
}
