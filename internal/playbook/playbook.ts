/**
 * Playbooks: recipes in YAML whose steps are commands. This room reads them, writes out their includes and copies, judges
 * conditions, and runs the steps one after another by a runner that is passed in.
 *
 * Laws, each a test:
 * - what is wrong with a playbook is told all at once, with file, line and field, before the first step runs;
 * - a condition is parsed and judged, never run as code; values reach commands by their environment alone;
 * - a step that ended never runs again: a second start of the same run goes on at the step that was running, and the attempt that
 *   was broken off stays visible;
 * - after a stop every step with `always` still runs, once; after the run nothing that it started is alive;
 * - with the same steps, values and ends of commands the same steps run.
 */
import type { Scope } from './condition/evaluate.ts';
import type { Expression, Scalar, StepStatus } from './condition/expression.ts';
import type { Template } from './condition/template.ts';

/** Most steps of a playbook, with those that are included and all copies. */
export const maxSteps = 1_000;
/** Largest file of a playbook; bytes. */
export const maxPlaybookBytes = 1024 * 1024;

/** A playbook that was read. */
export interface Playbook {
  /** as it was named */
  readonly file: string;
  readonly name: string;
  /** for people; `''` = none */
  readonly description: string;
  /** values of parameters that nobody gives */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** in their order */
  readonly parts: readonly PlaybookPart[];
}

/** A step, or the place of another playbook's steps. */
export type PlaybookPart = StepDefinition | Include;

/** Where the steps of another file stand. */
export interface Include {
  readonly kind: 'include';
  /** relative to the file that includes it */
  readonly path: string;
  readonly line: number;
  /** of the path, in the file: `steps[2].include` */
  readonly field: string;
}

/** Program and arguments, behind which a command comes. */
export type Shell = readonly [string, ...string[]];

/** What a step does. */
export interface StepFields {
  /** what is run: the last argument of the shell */
  readonly command: string;
  /** program and arguments; null = bash, or sh where there is none */
  readonly shell: Shell | null;
  /** of one attempt; ms; null = none of its own */
  readonly timeoutMs: number | null;
  /** how often it is tried again after a failure */
  readonly retryCount: number;
  /** null = it always applies */
  readonly condition: Expression | null;
  /** whether its failure keeps the steps behind it from running; the playbook has failed either way */
  readonly failFast: boolean;
  /** whether its failure counts for nothing */
  readonly continueOnError: boolean;
  /** whether it also runs after a failure or a stop */
  readonly always: boolean;
  /** on top of the environment of the run; by name */
  readonly env: Readonly<Record<string, Template>>;
  /** relative to where the playbook runs; null = there */
  readonly workdir: Template | null;
  /** names of the values that it gives out, and has to; null = whatever it writes */
  readonly outputs: readonly string[] | null;
  /** patterns of files, relative to its directory, that are kept */
  readonly artifacts: readonly Template[];
}

/** A step as it was written. */
export interface StepDefinition extends StepFields {
  readonly kind: 'step';
  readonly name: string;
  /** values of which each combination is a copy of the step; null = it is one step */
  readonly matrix: Readonly<Record<string, readonly Scalar[]>> | null;
  readonly file: string;
  /** of the step, in the file: `steps[2]` */
  readonly field: string;
  /** where each of its keys stands, and the step itself as `''`; from 1 */
  readonly lines: Readonly<Record<string, number>>;
}

/** A step that runs. */
export interface Step extends StepFields {
  /** from 0 */
  readonly index: number;
  /** with the values of this copy, if it is one: `test (node=20)` */
  readonly name: string;
  /** the name without them, by which conditions know it */
  readonly baseName: string;
  readonly matrix: Readonly<Record<string, Scalar>>;
}

/** One thing that is wrong with a playbook. */
export interface PlaybookFault {
  readonly file: string;
  /** from 1 */
  readonly line: number;
  /** `steps[1].condition`; `''` = the whole file */
  readonly field: string;
  readonly message: string;
}

/** Runs the commands of steps. */
export interface StepRunner {
  /**
   * Runs one attempt to its end. Ends everything that it started when the time is up or `signal` is aborted; what it leaves in the
   * background goes on until `close`. Never rejects.
   */
  run(call: StepCall): Promise<StepEnd>;
  /** Ends what is left of an attempt that nobody waited for to its end. */
  endLeftovers(attemptId: string): Promise<void>;
  /** Ends everything that steps of this run left in the background. */
  close(): Promise<void>;
}

/** What one attempt needs. */
export interface StepCall {
  /** unique over all runs, and the same for the same attempt */
  readonly attemptId: string;
  readonly command: string;
  readonly shell: Shell | null;
  /** on top of the environment of the run */
  readonly env: Readonly<Record<string, string>>;
  /** relative to where the playbook runs, or absolute */
  readonly workdir: string;
  readonly outputs: readonly string[] | null;
  readonly artifacts: readonly string[];
  /** null = no limit */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
}

/** How an attempt ended. */
export interface StepEnd {
  /** null when a signal ended it, or it never began */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** why it failed when its exit code does not say: `timeout`, `cancelled`, or `fault` with a message */
  readonly reason: 'timeout' | 'cancelled' | 'fault' | null;
  /** for `fault`: what keruta found wrong, such as a shell that is not there or outputs that cannot be read; else `''` */
  readonly message: string;
  /** what it gave out */
  readonly outputs: Readonly<Record<string, string>>;
  /** files that were kept, by the path under which they were */
  readonly artifacts: readonly string[];
  /** what is worth a word and changes nothing, such as a pattern of artifacts that no file has */
  readonly notes: readonly string[];
}

/** Why a step did not run, or failed. A closed list: people match on these. */
export type StepReason =
  /** its condition is not met */
  | 'condition'
  /** a step before it failed */
  | 'earlier_failure'
  /** the run was stopped */
  | 'cancelled'
  /** its time was up */
  | 'timeout'
  /** its command ended with another code than 0, or by a signal */
  | 'exit_code'
  /** it could not be run, or its outputs could not be read */
  | 'fault';

/** What a step came to. */
export interface StepResult {
  readonly index: number;
  readonly name: string;
  readonly status: StepStatus;
  /** null for a success */
  readonly reason: StepReason | null;
  /** of the last attempt; `''` = none */
  readonly message: string;
  /** of the last attempt */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** begun, those that were broken off included */
  readonly attempts: number;
  /** of all attempts and the waits between them, as far as this process saw them; ms */
  readonly durationMs: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly artifacts: readonly string[];
}

/** What a run came to. */
export interface PlaybookResult {
  readonly status: 'success' | 'failure' | 'cancelled';
  /** all, in their order */
  readonly steps: readonly StepResult[];
  /** ms, as far as this process saw it */
  readonly durationMs: number;
}

/** What is told while a playbook runs. */
export type PlaybookEvent =
  | { readonly type: 'step-started'; readonly step: Step }
  | { readonly type: 'attempt-started'; readonly step: Step; readonly attempt: number }
  | { readonly type: 'attempt-ended'; readonly step: Step; readonly attempt: EndedAttempt }
  | {
      readonly type: 'step-ended';
      readonly step: Step;
      readonly result: StepResult;
      /** whether it had ended before this start of the run, so that nothing was done now */
      readonly before: boolean;
    };

/** An attempt that ended. */
export interface EndedAttempt {
  /** from 1 */
  readonly attempt: number;
  /** `interrupted`: the process that ran it is gone, and nobody knows how it ended */
  readonly status: 'success' | 'failure' | 'cancelled' | 'interrupted';
  readonly end: StepEnd;
  /** ms; 0 when it was interrupted */
  readonly durationMs: number;
  /** whether another one follows after a failure */
  readonly again: boolean;
}

/** Values that conditions and texts see besides those of steps. */
export type RunScope = Pick<Scope, 'values' | 'exists'>;
