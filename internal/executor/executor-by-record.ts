/** Several executors as one: new runs are started by one of them, each run that is there is found by its own. */
import type { Executor, KnownRun, Run, RunSpec } from './executor.ts';
import { readRunRecord } from './shim/run-files.ts';

/** Which executors there are. */
export interface ExecutorChoice {
  /** for runs on the machine itself */
  readonly local: Executor;
  /** for runs in containers; made when it is needed first */
  readonly docker: () => Promise<Executor>;
  /** for runs as jobs of a cluster; made when it is needed first */
  readonly kubernetes: () => Promise<Executor>;
  /** which of them starts new runs */
  readonly starts: 'local' | 'docker' | 'kubernetes';
}

/** Makes the one: after a change of settings, runs that go on are not lost. */
export function executorByRecord(choice: ExecutorChoice): Executor {
  return new ExecutorByRecord(choice);
}

class ExecutorByRecord implements Executor {
  readonly #choice: ExecutorChoice;
  readonly #made = new Map<'docker' | 'kubernetes', Promise<Executor>>();

  constructor(choice: ExecutorChoice) {
    this.#choice = choice;
  }

  async start(spec: RunSpec): Promise<Run> {
    return (await this.#of(this.#choice.starts)).start(spec);
  }

  async attach(directory: string, known?: KnownRun): Promise<Run | null> {
    return (await this.#ownerOf(directory)).attach(directory, known);
  }

  async isUntouched(directory: string): Promise<boolean> {
    return (await this.#ownerOf(directory)).isUntouched(directory);
  }

  prepare(): void {
    const ready = this.#of(this.#choice.starts).then((executor) => executor.prepare());
    // one that cannot be made says so at the next start
    ready.catch(() => {});
  }

  async close(): Promise<void> {
    await this.#choice.local.close();
    for (const made of this.#made.values()) await (await made).close();
  }

  /** A record that cannot be read any more is that of a run as they are started now. */
  #ownerOf(directory: string): Promise<Executor> {
    const record = readRunRecord(directory);
    if (record === null) return this.#of(this.#choice.starts);
    if (record.job !== null) return this.#of('kubernetes');
    return this.#of(record.container === null ? 'local' : 'docker');
  }

  async #of(kind: ExecutorChoice['starts']): Promise<Executor> {
    if (kind === 'local') return this.#choice.local;
    const made = this.#made.get(kind) ?? this.#choice[kind]();
    this.#made.set(kind, made);
    return made;
  }
}
