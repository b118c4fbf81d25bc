/** What waits in the store until somebody outside has taken it: the loop that sends it, on any number of servers. */
import type { Topic } from '../store/store.ts';
import type { SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';

/** What became of one thing that was sent. */
export interface Sent {
  /** nothing of this box is to be sent before; ms from now; 0 = at once */
  readonly holdMs: number;
  readonly isTold: boolean;
}

/** Things that are to be sent, one after another. */
export interface Outbox {
  /** for the log: `reports` */
  readonly name: string;
  /** wakes the loop */
  readonly topic: Topic;
  /** said of the server's health when sending fails again and again; with no names in it */
  readonly doubt: string;
  /** Ids of what is due, the longest due first. */
  due(now: number, limit: number): Promise<readonly string[]>;
  /** When something can be taken; epoch ms; null when nothing is due at any time. */
  nextAt(): Promise<number | null>;
  /** Takes one and sends it. @returns null when another server has it @throws only what the store throws */
  send(id: string, signal: AbortSignal): Promise<Sent | null>;
  /** Removes what is older, at most `limit`. @returns how many went; absent: somebody else does it */
  readonly forget?: (before: number, limit: number) => Promise<number>;
}

/** A loop that sends. */
export interface Sending {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** What does not work, one line each, with no names in it: anybody may read it. It goes on being tried. */
  doubts(): readonly string[];
}

/** Looked at least so often, whatever was heard: another server may have ended with something in hand; ms. */
const maxSleepMs = 15_000;
/** After a round in which something was wrong with the store; ms. */
const againMs = 1_000;
/** So many are looked for at a time. */
const maxAtOnce = 50;
/** After so many failures one after another it is a doubt. */
const doubtAfter = 3;
/** How long what was sent is remembered, and how often what is too old is looked for; ms. */
const keptMs = 30 * 86_400_000;
const forgetEveryMs = 3_600_000;

/** Sends until the signal is aborted. Any number of servers may do this on one store. */
export function startOutbox(parts: SessionParts, box: Outbox, signal: AbortSignal): Sending {
  const { store, clock, log } = parts;
  let failures = 0;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let forgotAt = Number.NEGATIVE_INFINITY;
  return { ended: goOn(), doubts: () => (failures >= doubtAfter ? [box.doubt] : []) };

  async function goOn(): Promise<void> {
    const wakeup = new Wakeup(store, box.topic);
    try {
      while (!signal.aborted) {
        const waitMs = await round().catch((error: unknown) => {
          if (!signal.aborted) log.warn(`${box.name} could not be looked at; it is tried again`, { error });
          return againMs;
        });
        await wakeup.wait(clock, waitMs, signal);
        // the other side wants to be left alone, whoever rings
        const holdMs = heldUntil - clock.monotonicMs();
        if (holdMs > 0) await clock.sleep(holdMs, signal).catch(() => {});
      }
    } finally {
      wakeup.close();
    }
  }

  /** @returns how long to sleep; ms */
  async function round(): Promise<number> {
    if (clock.monotonicMs() - forgotAt >= forgetEveryMs) {
      await forget();
      forgotAt = clock.monotonicMs();
    }
    for (const id of await box.due(await store.now(), maxAtOnce)) {
      if (signal.aborted) return 0;
      const sent = await box.send(id, signal);
      if (sent === null) continue;
      failures = sent.isTold ? 0 : failures + 1;
      if (sent.holdMs > 0) {
        heldUntil = clock.monotonicMs() + sent.holdMs;
        return sent.holdMs;
      }
    }
    const next = await box.nextAt();
    return next === null ? maxSleepMs : Math.min(maxSleepMs, Math.max(0, next - (await store.now())));
  }

  async function forget(): Promise<void> {
    const before = (await store.now()) - keptMs;
    while (box.forget && !signal.aborted) {
      if ((await box.forget(before, 200)) < 200) return;
    }
  }
}
