/** Keeps one connection to one mailbox, and looks whenever there may be something new. */
import type { ImapConnection } from '../../pkg/imap/imap.ts';
import { lookAtMailbox, type MailTrigger } from './look-at-mailbox.ts';
import type { SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';

/** How a mailbox is watched. */
export interface Watching {
  /** account and name */
  readonly key: string;
  readonly mailbox: string;
  /** between two looks when the server does not tell of new messages; ms */
  readonly checkIntervalMs: number;
  readonly open: (mailbox: string, signal: AbortSignal) => Promise<ImapConnection>;
  readonly triggers: () => Promise<readonly MailTrigger[]>;
  /** hears how many attempts failed one after another; 0 = it works */
  readonly onState: (failures: number) => void;
}

/** A server that tells of new messages is asked all the same, in case it forgot; ms. */
const askMs = 5 * 60_000;
/** Nothing is waited for longer on one connection: many servers cut it after ten minutes or more; ms. */
const maxIdleMs = 9 * 60_000;
const [firstRetryMs, lastRetryMs] = [1_000, 5 * 60_000];

/** Watches until the signal is aborted. Never rejects: what goes wrong is tried again, after longer and longer times. */
export async function watchMailbox(
  parts: SessionParts,
  watching: Watching,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log } = parts;
  const { key, mailbox, onState } = watching;
  const wakeup = new Wakeup(parts.store, 'triggers');
  let failures = 0;
  while (!signal.aborted) {
    try {
      await useConnection(parts, { watching, wakeup, signal }, () => {
        if (failures > 0) log.info('the mailbox is read again', { mailbox: key });
        failures = 0;
        onState(0);
      });
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      onState(failures);
      const waitMs = retryMs(failures, random.fraction());
      log.warn('a mailbox cannot be read; it is tried again', { mailbox: key, failures, waitMs, error });
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }
  wakeup.close();
  log.debug('a mailbox is no longer watched', { mailbox });
}

/** 1 s, 2 s, 4 s, … 5 min, each between half and all of it. @param fraction  in [0, 1) */
export function retryMs(failures: number, fraction: number): number {
  const whole = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(20, failures - 1));
  return Math.round(whole * (0.5 + fraction / 2));
}

interface Use {
  readonly watching: Watching;
  readonly wakeup: Wakeup;
  readonly signal: AbortSignal;
}

/** Looks, waits, looks, …: ends with the signal, or with what went wrong. */
async function useConnection(
  parts: SessionParts,
  { watching, wakeup, signal }: Use,
  onLooked: () => void,
): Promise<void> {
  const { key, mailbox } = watching;
  const connection = await watching.open(mailbox, signal);
  const close = () => connection.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    while (!signal.aborted) {
      await lookAtMailbox(parts, { connection, key, mailbox, triggers: await watching.triggers() }, signal);
      onLooked();
      if (!signal.aborted) await waitForNews(parts, connection, { watching, wakeup, signal });
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

/** Until the server tells of something, a trigger was changed, or it is time to ask. */
async function waitForNews(
  { clock }: SessionParts,
  connection: ImapConnection,
  { watching: { checkIntervalMs }, wakeup, signal }: Use,
): Promise<void> {
  if (!connection.canIdle) {
    await wakeup.wait(clock, checkIntervalMs, signal);
    if (!signal.aborted) await connection.noop();
    return;
  }
  const idleMs = Math.min(maxIdleMs, Math.max(askMs, checkIntervalMs));
  const round = new AbortController();
  const bell = wakeup.wait(clock, idleMs, round.signal).then(() => round.abort());
  try {
    await connection.idle(idleMs, round.signal);
  } finally {
    round.abort();
    await bell;
  }
}
