import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import type { TaskSource } from '../api/task-source.ts';
import type { Executor } from '../executor/executor.ts';
import type { RepositoryPool } from '../pool/pool.ts';
import type { AgentStatus } from './agent-status.ts';
import type { SpanSink } from './run-trace.ts';
import type { WatchBoard } from './watch/watch-board.ts';
import type { WatchSource } from './watch/watches.ts';

/** What an agent works with. */
export interface AgentParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly executor: Executor;
  /** Makes the source of work. @param agentId  stable over restarts, from the base directory */
  readonly source: (agentId: string) => TaskSource | Promise<TaskSource>;
  /** Where file triggers come from, and what is watched for them; absent: nothing is. */
  readonly watches?: {
    readonly source: WatchSource;
    /** what `~` in their paths stands for */
    readonly home: string;
    /** told of by the local API; default: what this agent watches */
    readonly board?: WatchBoard;
  };
  /** Opens the repository pool when somebody asks the local API for a slot; absent: nobody can. */
  readonly pool?: () => Promise<RepositoryPool>;
  /** Makes anew what a task deleted of the program's other files, such as the commands of runs; before each claim. */
  readonly heal?: () => void;
  /** where the spans of traces go; absent = no traces are made */
  readonly spans?: SpanSink & { readonly dropped: number };
  /** Called once when the agent begins to take tasks. */
  readonly onReady?: (status: AgentStatus) => void;
}

/** How an agent behaves. Durations in ms; null = none, unless stated. */
export interface AgentOptions {
  /** KERUTA_BASE_DIR; absolute */
  readonly baseDirectory: string;
  /** where clones of sessions with a repository go, one directory each; absolute */
  readonly repositoriesDirectory: string;
  /** files and directories of keruta beside the base directory, of which nothing becomes an artifact; absolute; default none */
  readonly ownFiles?: readonly string[];
  /** KERUTA_WORKING_DIR: the clone itself; null = one below `repositoriesDirectory` */
  readonly workingDirectory: string | null;
  /** whether a clone that a person made may be changed */
  readonly trustWorkingDirectory: boolean;
  readonly allowLocalGit: boolean;
  /** for one checkout, where the session says nothing else */
  readonly gitTimeoutMs: number;
  /** URL prefixes of repositories that may be worked on; null = any */
  readonly allowedRepositories: readonly string[] | null;
  readonly sessionId: string;
  /** `''` when unknown */
  readonly workspaceId: string;
  readonly apiUrl: string;
  /** the agent's own; masked in all output, never handed to a task. `''` when there is none */
  readonly apiToken: string;
  readonly version: string;
  readonly pid: number;
  /** null where users have no numbers */
  readonly uid: number | null;
  /** the environment as it was when the process started */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** names of variables that belong to others of this process and that no script gets; asked for before each run */
  readonly withheld?: () => Promise<readonly string[]>;
  /** the full executable */
  readonly executable: string;
  /** holds the short in-run commands; first on a run's PATH */
  readonly binDirectory: string;

  /** end after one task */
  readonly once: boolean;
  /** go on when the session has ended */
  readonly keepAlive: boolean;
  readonly exitOnIdleMs: number | null;
  readonly maxUptimeMs: number | null;
  /** how long one wait for a task may take; 0-10000 */
  readonly claimWaitMs: number;
  /** between asking a run's processes to end and ending them */
  readonly graceMs: number;
  /** how long processes get that a script left behind */
  readonly cleanUpMs: number;

  /** with less free space below the base directory no task is taken; bytes; 0 = with any */
  readonly minFreeDiskBytes: number;

  readonly artifacts: ArtifactOptions;
  readonly autoFix: AutoFixOptions;
  /** whether scripts run in containers, where no runner can do its work; default false */
  readonly inContainers?: boolean;
  /** how tasks that are no script are done; absolute; null = by defaults */
  readonly runnerConfig: string | null;
  /** null = no local API */
  readonly localApi: LocalApiOptions | null;
}

/** What becomes an artifact. */
export interface ArtifactOptions {
  /** KERUTA_ARTIFACTS_DIR; absolute; null = `.keruta/doc` in the working directory */
  readonly directory: string | null;
  /** looked at too, when the run has ended and they exist; such as `/.keruta/doc` */
  readonly extraDirectories: readonly string[];
  /** largest single file */
  readonly maxFileBytes: number;
}

/** What follows a failure. */
export interface AutoFixOptions {
  /** for tasks that do not say */
  readonly enabled: boolean;
  /** whether a coding agent does the fix of a script, where the session has a repository and there is no `command`; default false */
  readonly byAgent?: boolean;
  /** script of the fix task; null = the same script again */
  readonly command: string | null;
}

/** The agent's own HTTP API, served at an address and on a socket in the base directory. */
export interface LocalApiOptions {
  readonly host: string;
  /** null = 8080, or the next free one */
  readonly port: number | null;
  /** whether a host other than loopback is allowed */
  readonly allowRemote: boolean;
  /** KERUTA_USE_HTTP_INPUT */
  readonly acceptInput: boolean;
}

/** Why an agent came to its end. */
export interface AgentExit {
  readonly why: 'session_ended' | 'once' | 'idle' | 'max_uptime' | 'stopped' | 'left';
  /** how many tasks it brought to their end */
  readonly tasks: number;
}
