/**
 * Where a task's script runs. The port is re-attachable: a run belongs to its directory, not to the process that
 * started it, and goes on when the agent dies.
 *
 * Laws, each a test of the contract suite:
 * - every byte that a process of the run wrote to stdout or stderr is kept, in order within its stream, whether an
 *   agent is there or not;
 * - the end (`ended`) is what the script's own process did, exactly, also when no agent was there to see it; it does
 *   not wait for background children that hold the output open;
 * - `attach` to a directory gives the same run again, in any state, any number of times;
 * - after `kill` nothing that the run started is alive, and nothing that it did not start was touched;
 * - `start` for a run that was already started attaches instead of starting it a second time;
 * - of all the starts of one directory, whoever made them and whenever they come through, one at most runs the script.
 */
import type { ProcessEnd } from '../domain/outcome.ts';
import type { StreamName, Usage } from '../domain/task.ts';

/** Starts and finds runs. */
export interface Executor {
  /**
   * Starts a run.
   * @throws {InputError} KERUTA_ERR_INTERPRETER_MISSING; {UnavailableError} KERUTA_ERR_DISK_FULL
   */
  start(spec: RunSpec): Promise<Run>;
  /**
   * Finds the run of a directory; null when there is none to be found, be it lost or never started.
   * @param known  what the caller wrote down of it: counts when the run's own record cannot be read any more
   */
  attach(directory: string, known?: KnownRun): Promise<Run | null>;
  /**
   * Whether it is certain that no script ever ran in this directory, so that a start that was broken off may be made
   * again. Ask `attach` first: it waits for a start that is on its way.
   */
  isUntouched(directory: string): Promise<boolean>;
  /** Makes ready for the next start, where that saves time; harmless to leave out. */
  prepare(): void;
  /** Lets go of what `prepare` made; runs go on. */
  close(): Promise<void>;
}

/** What is known of a run besides its own record. */
export type KnownRun = Pick<RunSpec, 'runId' | 'workingDirectory' | 'input'> & {
  /** of the machine when it began; null where it does not tell */
  readonly bootId: string | null;
  /** epoch ms */
  readonly startedAt: number;
};

/** What to run. Written to `<directory>/spec.json` (without values of `env`) before anything starts. */
export interface RunSpec {
  /** `<base>/runs/<task>.<attempt>`; absolute; made by `start`, 0700 */
  readonly directory: string;
  /** unique over all runs; also the value of the environment marker KERUTA_RUN_ID */
  readonly runId: string;
  /** text of the script; its first line may name an interpreter, else `bash`, else `sh` */
  readonly script: string;
  /** absolute; must exist */
  readonly workingDirectory: string;
  /** the whole environment of the script; nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
  /** `none`: stdin is empty; `wait`: stdin is open until `closeInput` */
  readonly input: 'none' | 'wait';
}

/** One run, started or found again. */
export interface Run {
  readonly directory: string;
  /** How the script ended; null while it runs. */
  ended(): Promise<RunEnd | null>;
  /** Whether every byte of the run's output has been written to its streams: nothing more will come. */
  drained(): Promise<boolean>;
  /** Bytes that are in a stream now. */
  size(stream: StreamName): Promise<number>;
  /**
   * Reads at most `maxBytes` from `offset`; fewer, or none, when they are not there yet.
   * @param into  of at least `maxBytes`; where to put them, so that a long stream does not allocate for each piece
   * @throws EMFILE, ENFILE when no file more may be opened now: ask again
   */
  read(stream: StreamName, offset: number, maxBytes: number, into?: Uint8Array): Promise<Uint8Array>;
  /** The run's mailbox file, for the agent to read; see domain/mailbox. */
  readonly mailboxFile: string;
  /**
   * Calls `listener` after output, mailbox or end changed; may call it too often, and calls it at least every second.
   * @returns stops it
   */
  watch(listener: () => void): () => void;
  /** Writes to the script's stdin. @returns false when the run does not take input any more */
  write(text: string): Promise<boolean>;
  /** Ends the script's stdin. */
  closeInput(): Promise<void>;
  /** Asks every process of the run to end (SIGTERM, and SIGCONT for stopped ones). */
  interrupt(): Promise<void>;
  /** Ends every process of the run (SIGKILL) and waits until all are gone. @returns how many were found */
  kill(): Promise<number>;
  /** What is alive of the run, the script's own process included. */
  processes(): Promise<readonly RunProcess[]>;
  /** Whether a process of the run is blocked reading the run's stdin; null where the machine does not tell. */
  isReadingInput(): Promise<boolean | null>;
  /** Takes a sample of memory and returns what the run used up to now. */
  usage(): Promise<Usage>;
  /**
   * For how long the script has been running, by a clock that nobody sets; ms; null or left out when nobody can tell, or
   * it has ended.
   */
  ranMs?(): number | null;
  /** Gaps in the output, in the order in which they came to be; adapters that cannot lose output leave it out. */
  losses?(): Promise<readonly StreamLoss[]>;
}

/** A gap in a stream: bytes that the script wrote and that could not be kept. */
export interface StreamLoss {
  readonly stream: StreamName;
  /** where the gap is: what follows in the stream stood behind it */
  readonly offset: number;
  /** the most that can be missing there; bytes */
  readonly maxBytes: number;
  /**
   * `full`: no space, or a disk that fails; `killed`: somebody killed the writer, and there may be no gap at all; `deleted`: somebody deleted
   * what keeps the stream, and nobody knows how much came after: `maxBytes` is what had been seen, at least 1; `cut`: what
   * keeps the stream became shorter, and what was written since stands where other bytes had been
   */
  readonly cause: 'full' | 'killed' | 'deleted' | 'cut';
}

/** How the script ended. */
export interface RunEnd extends ProcessEnd {
  /** epoch ms */
  readonly endedAt: number;
  /** whether the shim was killed, so that code and signal are not known */
  readonly shimLost: boolean;
  /** why the shim was lost, where that is known: `evicted` by the node or the cluster, `deleted` with all it ran in */
  readonly lostBy?: 'evicted' | 'deleted';
  /**
   * whether the kernel killed it for want of memory, as far as its counters tell: only for an end by SIGKILL or with 137,
   * and only worth something when nobody of ours sent that signal
   */
  readonly oomKilled: boolean;
}

/** A live process of a run. */
export interface RunProcess {
  readonly pid: number;
  /** clock ticks since boot, from `/proc/<pid>/stat`: with the pid, its identity */
  readonly startTicks: number;
  readonly command: string;
}
