import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import type { TaskSource } from '../api/task-source.ts';
import type { Executor } from '../executor/executor.ts';
import type { AgentOptions } from './agent-options.ts';
import type { AgentStatus } from './agent-status.ts';
import type { AgentControl } from './control.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { LateSecret, Masking } from './masking.ts';
import type { SpanSink } from './run-trace.ts';
import type { StateDirectory } from './state-directory.ts';

/** What bringing one task to its end needs. */
export interface TaskParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly executor: Executor;
  readonly source: TaskSource;
  readonly options: AgentOptions;
  readonly base: StateDirectory;
  /** Makes anew what was deleted of the agent's own files. @returns false: no task may be taken now; @see BaseKeeper */
  readonly heal: () => Promise<boolean>;
  readonly status: AgentStatus;
  readonly disk: DiskWatch;
  readonly control: AgentControl;
  /** null = no traces are made */
  readonly spans: SpanSink | null;
  /** makes the masking of a run from the values that are secret in it */
  readonly masking: (secrets: readonly string[], late: readonly LateSecret[]) => Masking;
}
