import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import { ConflictError, UnavailableError } from '../domain/errors.ts';
import { diskFaultOf } from './disk-fault.ts';
import type { LocalDoors } from './local-doors.ts';
import type { StateDirectory } from './state-directory.ts';

/** How often an agent looks whether its files are there; ms: `/tmp` is cleaned, tasks delete, people tidy up. */
const checkEveryMs = 2_000;

/** What a keeper works with. */
export interface BaseKeeperParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly base: StateDirectory;
  /** makes anew what others keep in the base directory */
  readonly heal: (() => void) | undefined;
}

/** Keeps the agent's own files whole: before each claim, and every two seconds. */
export class BaseKeeper {
  readonly #parts: BaseKeeperParts;
  #doors: LocalDoors | null = null;
  #isOver = false;
  #isSound = true;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: BaseKeeperParts) {
    this.#parts = parts;
    this.#look();
  }

  /** From now on the doors are kept open too. */
  keepDoors(doors: LocalDoors | null): void {
    this.#doors = doors;
  }

  /**
   * Makes anew what somebody deleted.
   * @returns false when the place is not ours now (somebody else's directory or a link is there, the disk takes nothing):
   *          nothing may be written there, no task be taken
   * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING: another agent has taken the place for good
   */
  heal(): Promise<boolean> {
    const healed = this.#last.then(() => this.#heal());
    this.#last = healed.catch(() => {});
    return healed;
  }

  /** Ends it; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#last;
  }

  #look(): void {
    this.#parts.clock.after(checkEveryMs, () => {
      if (this.#isOver) return;
      // what is thrown here is thrown again before the next claim
      void this.heal().catch(() => {});
      this.#look();
    });
  }

  async #heal(): Promise<boolean> {
    if (this.#isOver) return this.#isSound;
    const { log, base, heal } = this.#parts;
    const directory = base.base;
    try {
      if (base.heal()) log.warn('files of the agent were deleted; they were made anew', { directory });
      heal?.();
      this.#isSound = true;
    } catch (error) {
      if (!isForNow(error)) throw error;
      if (this.#isSound)
        log.warn('files of the agent were deleted, and cannot be made anew now', { error, directory });
      this.#isSound = false;
      return false;
    }
    await this.#doors?.heal();
    return true;
  }
}

/** What may be over the next time: a full disk, a link that somebody put there. */
function isForNow(error: unknown): boolean {
  if (error instanceof ConflictError) return error.code === 'KERUTA_ERR_DIRECTORY';
  return error instanceof UnavailableError || diskFaultOf(error) !== null;
}
