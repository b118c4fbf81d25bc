/**
 * Channels: the ways in which people are told. A channel is a name, a type, and one function that hands one message to
 * somebody else's server. What is to be sent, when, and how often is `session/notify`'s; a channel remembers nothing.
 *
 * Laws, each a test of the suite that every adapter passes:
 * - `send` resolves `taken` only when the other side has said that it took the message;
 * - it never rejects for what the other side does, or does not: that is a value, with a reason that may be shown to anybody.
 *   Nothing of the other side's answer, no address beyond its host, and no secret stands in it;
 * - it ends soon after its signal does, whatever the other side does, and leaves no connection open for it;
 * - the id of a message is handed on in a place where the receiver can look for it: sent twice, it is the same;
 * - a secret is read for each message, so that a new one counts at once; one that is not there is a passing fault;
 * - nothing is sent to an address that is not of the open internet, unless the server's settings allow it by name;
 *   redirects are not followed.
 *
 * To add a type: one file here, and one line each in `channel-shape.ts` and `open-channels.ts`.
 */
import type { NotifyMessage } from '../domain/notification.ts';

/** One message for one channel. */
export interface OutgoingMessage extends NotifyMessage {
  /** the same when it is sent again */
  readonly id: string;
  /** when it was written; epoch ms */
  readonly createdAt: number;
  /** whether it may have been sent before */
  readonly isRepeated: boolean;
}

/** What became of a message. */
export type Delivery =
  | { readonly isTaken: true }
  | {
      readonly isTaken: false;
      /** whether the same may succeed later */
      readonly isPassing: boolean;
      /** not to be tried again before; ms; null = the other side does not say */
      readonly retryAfterMs: number | null;
      /** for people, without a full stop */
      readonly why: string;
    };

/** A way to tell people. */
export interface Channel {
  readonly name: string;
  /** `slack`, `mail`, … */
  readonly type: string;
  send(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery>;
}

/** A message was taken. */
export const taken: Delivery = { isTaken: true };

/** A message was not taken, and may be later. */
export function later(why: string, retryAfterMs: number | null = null): Delivery {
  return { isTaken: false, isPassing: true, retryAfterMs, why };
}

/** A message was not taken, and never will be. */
export function never(why: string): Delivery {
  return { isTaken: false, isPassing: false, retryAfterMs: null, why };
}
