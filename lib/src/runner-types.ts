/** What an agent task is, how it is done, and what it came to. */

/** What is wanted: the context of an agent task, as `context.yaml` has it. Keys may be written as `task_id` too. */
export interface TaskContext {
  /** in a line */
  readonly title: string;
  /** at length */
  readonly description?: string;
  readonly acceptanceCriteria?: readonly string[];
  /** what it is called where it was written down */
  readonly taskId?: string;
  readonly specName?: string;
  /** titles of tasks that were done before it */
  readonly dependencies?: readonly string[];
  readonly requiredSkill?: string;
  readonly focus?: readonly string[];
  /** needed, unless there is a `slotPath` */
  readonly repositoryUrl?: string;
  readonly ref?: string;
  /** a clone that is there already; absolute */
  readonly slotPath?: string;
  readonly slotId?: string;
  readonly branchName?: string;
  readonly targetBranch?: string;
  /** default `branch`: it is pushed */
  readonly publish?: 'none' | 'branch' | 'pull-request';
  readonly kind?: 'playbook' | 'agent';
  /** below the repository */
  readonly playbookPath?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** what else `context.yaml` may have */
  readonly [key: string]: unknown;
}

/** How tasks are done: the keys of `runner.yaml`, as they are written there. Keys and tokens are no part of it: they stand in variables. */
export interface RunnerConfig {
  /** default `local-process` */
  readonly execution_mode?: 'local-process' | 'docker' | 'kubernetes';
  /** of the whole task; default 1800 */
  readonly default_timeout_seconds?: number;
  readonly log_level?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** the coding agent; without one only playbooks can be followed */
  readonly coder?: Readonly<Record<string, unknown>>;
  /** short for a coding agent that is an endpoint */
  readonly llm?: { readonly model?: string; readonly endpoint?: string; readonly timeout_seconds?: number };
  /** what else `runner.yaml` may have */
  readonly [key: string]: unknown;
}

/** Why a task failed, by where it did. */
export type RunnerErrorKind =
  | 'TaskContextValidationError'
  | 'WorkspacePreparationError'
  | 'ImplementationError'
  | 'TestExecutionError'
  | 'PushError'
  | 'ArtifactUploadError'
  | 'TimeoutError'
  | 'RunnerError';

/** What a task came to. What is not known is null. */
export interface RunnerResult {
  readonly success: boolean;
  readonly error: {
    readonly kind: RunnerErrorKind;
    readonly message: string;
    /** files of a conflict, tests that failed, and the like */
    readonly details: readonly string[];
  } | null;
  readonly taskId: string;
  readonly artifacts: readonly {
    /** `diff`, `log`, `transcript`, `test_report`, `result`, `file` */
    readonly type: string;
    readonly name: string;
    readonly uri: string;
    readonly sizeBytes: number;
  }[];
  readonly llmModel: string | null;
  /** in and out */
  readonly tokensUsed: number | null;
  readonly usage: {
    readonly calls: number;
    readonly tokensIn: number;
    readonly tokensOut: number;
    /** dollars, as a text */
    readonly costUsd: string | null;
  } | null;
  readonly durationSeconds: number;
  readonly memoryMb: number | null;
  /** of one core */
  readonly cpuPercent: number | null;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly pushed: boolean;
  readonly pullRequestUrl: string | null;
  readonly changes: {
    readonly files: number;
    readonly insertions: number;
    readonly deletions: number;
  } | null;
  readonly tests: {
    readonly command: string;
    readonly passed: boolean;
    readonly rounds: number;
    readonly tests: number | null;
    readonly failed: number | null;
    readonly skipped: number | null;
  } | null;
  readonly phases: readonly {
    readonly phase: string;
    readonly outcome: 'done' | 'skipped' | 'failed';
    readonly message: string;
    readonly durationSeconds: number;
  }[];
}

/** How `run` is done. */
export interface RunOptions {
  /** the keruta executable; default: this one when it is keruta, else `keruta` on PATH */
  readonly executable?: string;
  /** where relative paths begin; default: the current directory */
  readonly cwd?: string;
  /** where what was done is written down, so that another call goes on; default: nowhere */
  readonly stateDirectory?: string;
  /** where what was made is put; default `.keruta/doc` */
  readonly artifactsDirectory?: string;
  /** whether repositories of this machine may be worked on; default false */
  readonly allowLocalGit?: boolean;
  /** gets what is printed, phase by phase, as it comes */
  readonly onLog?: (text: string) => void;
  /** ends the work: what there is is kept, and the slot given back */
  readonly signal?: AbortSignal;
}
