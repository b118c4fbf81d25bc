import { afterEach, beforeEach } from 'vitest';
import type { Session } from '../../../../internal/domain/session.ts';
import type { Task } from '../../../../internal/domain/task.ts';
import type { Store } from '../../../../internal/store/store.ts';
import { sampleSession, sampleTask } from '../samples.ts';
import type { StoreHarness, StorePlace } from '../store-contract.ts';

/** One fresh store per test, and what most tests need in it. */
export interface Fixture {
  readonly store: Store;
  /** Runs a statement from outside while the store is closed. @see StorePlace.tamper */
  tamper(statement: string): Promise<void>;
  /** Closes the store and opens it again. */
  reopen(): Promise<Store>;
  session(some?: Partial<Session>): Promise<Session>;
  /** In a session of its own, unless it names one. */
  task(some?: Partial<Task>): Promise<Task>;
}

/** Opens a store before each test of a suite and removes it afterwards. */
export function useFixture(harness: StoreHarness): () => Fixture {
  let place: StorePlace;
  let store: Store;
  beforeEach(async () => {
    place = await harness.place();
    store = await place.open();
  });
  afterEach(async () => {
    await store.close();
    await place.remove();
  });
  const session = async (some: Partial<Session> = {}) => {
    const made = sampleSession(some);
    await store.transact((tx) => tx.putSession(made));
    return made;
  };
  return () => ({
    get store() {
      return store;
    },
    tamper: async (statement) => {
      await store.close();
      await place.tamper(statement).finally(async () => {
        store = await place.open();
      });
    },
    reopen: async () => {
      await store.close();
      store = await place.open();
      return store;
    },
    session,
    task: async (some = {}) => {
      const made = sampleTask({ sessionId: some.sessionId ?? (await session()).id, ...some });
      await store.transact((tx) => tx.putTask(made));
      return made;
    },
  });
}
