/** A runner that starts nothing: each command says itself how it ends. */
import type { StepCall, StepEnd, StepRunner } from '../../../internal/playbook/playbook.ts';

/** What a command says of its end; the nth attempt gets the nth one, and the last one again. */
export type Script = Readonly<Record<string, readonly Partial<StepEnd>[]>>;

export const ended: StepEnd = {
  exitCode: 0,
  signal: null,
  reason: null,
  message: '',
  outputs: {},
  artifacts: [],
  notes: [],
};

export class ScriptedRunner implements StepRunner {
  readonly calls: StepCall[] = [];
  readonly leftovers: string[] = [];
  closed = 0;
  readonly #script: Script;
  readonly #during: (call: StepCall) => void | Promise<void>;

  /** @param during  called while the command runs */
  constructor(script: Script = {}, during: (call: StepCall) => void | Promise<void> = () => {}) {
    this.#script = script;
    this.#during = during;
  }

  /** Commands in the order in which they were run. */
  get commands(): string[] {
    return this.calls.map(({ command }) => command);
  }

  async run(call: StepCall): Promise<StepEnd> {
    this.calls.push(call);
    const count = this.commands.filter((command) => command === call.command).length;
    await this.#during(call);
    const ends = this.#script[call.command] ?? [];
    const end = ends[Math.min(count, ends.length) - 1];
    if (call.signal.aborted) return { ...ended, exitCode: null, signal: 'SIGTERM', reason: 'cancelled' };
    return { ...ended, ...end };
  }

  async endLeftovers(attemptId: string): Promise<void> {
    this.leftovers.push(attemptId);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}
