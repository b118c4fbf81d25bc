/** How strongly an agent is told to stop; each word is stronger than the one before. */
export const stopLevels = ['run', 'drain', 'cancel', 'leave'] as const;
/** `drain`: finish the task, take no other. `cancel`: end the task, with grace. `leave`: go now; the run goes on. */
export type StopLevel = (typeof stopLevels)[number];

/** The handle by which an agent is stopped: from signals, from `keruta up`, from tests. */
export class AgentControl {
  readonly #drain = new AbortController();
  readonly #cancel = new AbortController();
  readonly #leave = new AbortController();
  /** Aborted when no further task is to be taken. */
  readonly draining: AbortSignal;
  /** Aborted when the present task is to be ended. */
  readonly cancelling: AbortSignal;
  /** Aborted when everything is to be left as it is. */
  readonly leaving: AbortSignal;

  /** @param above  what is told to stop stops this one too, not the other way round; default: nothing */
  constructor(above?: AgentControl) {
    const both = (own: AbortController, other?: AbortSignal) =>
      other === undefined ? own.signal : AbortSignal.any([other, own.signal]);
    this.draining = both(this.#drain, above?.draining);
    this.cancelling = both(this.#cancel, above?.cancelling);
    this.leaving = both(this.#leave, above?.leaving);
  }

  /** Stops at least this strongly; weaker than before changes nothing. */
  stop(level: Exclude<StopLevel, 'run'>): void {
    // the strongest first: who leaves does not end its task on the way
    if (level === 'leave') this.#leave.abort(new Error('the agent is leaving'));
    if (level === 'cancel') this.#cancel.abort(new Error('the agent is stopping its task'));
    this.#drain.abort(new Error('the agent is stopping'));
  }

  /** Stops one step more strongly than before: what the next SIGTERM means. */
  escalate(): void {
    this.stop(this.cancelling.aborted ? 'leave' : this.draining.aborted ? 'cancel' : 'drain');
  }
}
