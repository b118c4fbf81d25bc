import { type EventWish, fireEvent } from './fire-event.ts';
import { type FiredOne, fireMany, maxFiredAtOnce } from './fire-many.ts';
import type { SessionParts } from './parts.ts';

interface Waiting {
  readonly wish: EventWish;
  readonly resolve: (fired: FiredOne) => void;
  readonly reject: (error: unknown) => void;
}

/** The lanes of each store, by trigger. */
const lanes = new WeakMap<object, Map<string, Lane>>();

/**
 * Fires a trigger by an event, together with others of the same trigger that come while one transaction is under way: those
 * behind it share the next one. A lonely event waits for nothing.
 *
 * @param wish.key  not under way already
 * @throws as fireEvent
 */
export function fireTogether(parts: SessionParts, wish: EventWish): Promise<FiredOne> {
  const ofStore = lanes.get(parts.store) ?? new Map<string, Lane>();
  lanes.set(parts.store, ofStore);
  const lane = ofStore.get(wish.triggerId) ?? new Lane(parts);
  ofStore.set(wish.triggerId, lane);
  return new Promise((resolve, reject) => {
    lane.add({ wish, resolve, reject }, () => ofStore.delete(wish.triggerId));
  });
}

/** The events of one trigger that wait. */
class Lane {
  readonly #parts: SessionParts;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  add(one: Waiting, onEmpty: () => void): void {
    this.#waiting.push(one);
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#work().then(onEmpty);
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#fire(this.#waiting.splice(0, maxFiredAtOnce));
    }
    this.#isBusy = false;
  }

  /** Lets requests that have arrived come this far, as long as each turn of the event loop brings more of them. */
  async #gather(): Promise<void> {
    for (let before = 0; before < this.#waiting.length && this.#waiting.length < maxFiredAtOnce; ) {
      before = this.#waiting.length;
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** Never rejects: each one is told what became of it. */
  async #fire(group: readonly Waiting[]): Promise<void> {
    const fired = group.length === 1 ? null : await this.#many(group);
    if (fired === null) {
      // they would only wait for each other's lock, each with a connection of its own
      for (const one of group) await this.#alone(one);
    } else
      group.forEach(({ resolve, reject }, index) => {
        const one = fired[index];
        if (one === undefined) reject(new Error('an event was not told what became of it'));
        else resolve(one);
      });
  }

  /** @returns null when they are to be fired one by one: also when one fault would be the fault of all */
  async #many(group: readonly Waiting[]): Promise<readonly FiredOne[] | null> {
    try {
      return await fireMany(
        this.#parts,
        group.map(({ wish }) => wish),
      );
    } catch {
      return null;
    }
  }

  async #alone({ wish, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve(await fireEvent(this.#parts, wish));
    } catch (error) {
      reject(error);
    }
  }
}
