/** Watches the mailboxes that triggers of type email name: one connection each, as long as there is such a trigger. */
import type { ImapConnection } from '../../pkg/imap/imap.ts';
import { emailShape, readEmailSpec } from '../trigger/email/email-spec.ts';
import type { MailTrigger } from './look-at-mailbox.ts';
import { putTriggerStart, triggerStart } from './mailbox-state.ts';
import type { SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';
import { watchMailbox } from './watch-mailbox.ts';

/** The mail account of a server. */
export interface MailAccount {
  /** such as `bot@example.com at imap.example.com:993` */
  readonly name: string;
  /** between two looks when the mail server does not tell of new messages; ms */
  readonly checkIntervalMs: number;
  readonly open: (mailbox: string, signal: AbortSignal) => Promise<ImapConnection>;
}

/** Mailboxes that are watched. */
export interface Emailing {
  /** Resolves when it was stopped. */
  readonly ended: Promise<void>;
  /** What does not work, one line each, with no names in it: anybody may read it. It goes on being tried. */
  doubts(): readonly string[];
}

/** Triggers are looked through at least so often, whatever was heard; ms. */
const maxSleepMs = 15_000;
/** After so many failures one after another a mailbox is a doubt. */
const doubtAfter = 3;
/** Most mailboxes, which are connections. */
const maxMailboxes = 20;

interface Watched {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Watches mailboxes until the signal is aborted. Any number of servers may do this on one store: each message counts once.
 * @param account  null = none is set: triggers of type email do not fire, and that is a doubt
 */
export function startEmail(parts: SessionParts, account: MailAccount | null, signal: AbortSignal): Emailing {
  const { store, clock, log } = parts;
  const watched = new Map<string, Watched>();
  const unread = new Set<string>();
  let doubt: string | null = null;
  return { ended: goOn(), doubts: tellDoubts };

  function tellDoubts(): readonly string[] {
    const many = unread.size === 1 ? 'a mailbox' : `${unread.size} mailboxes`;
    const cannot = unread.size === 0 ? [] : [`email: ${many} cannot be read; the server's log says why`];
    return doubt === null ? cannot : [doubt, ...cannot];
  }

  async function goOn(): Promise<void> {
    const wakeup = new Wakeup(store, 'triggers');
    try {
      while (!signal.aborted) {
        await round().catch((error: unknown) => log.warn('mailboxes could not be looked through', { error }));
        await wakeup.wait(clock, maxSleepMs, signal);
      }
    } finally {
      wakeup.close();
      for (const { stop } of watched.values()) stop.abort();
      await Promise.all([...watched.values()].map(({ ended }) => ended));
    }
  }

  async function round(): Promise<void> {
    await forgetStarts(parts);
    const mailboxes = new Set((await mailTriggers(parts)).map(({ rule }) => rule.mailbox));
    doubt = null;
    if (mailboxes.size > 0 && account === null)
      doubt = 'email: triggers do not fire; set IMAP_SERVER, EMAIL_USER and EMAIL_PASSWORD';
    if (mailboxes.size > maxMailboxes)
      doubt = `email: ${mailboxes.size} mailboxes are named, and ${maxMailboxes} are watched`;
    const wanted = account === null ? [] : [...mailboxes].sort().slice(0, maxMailboxes);
    for (const [mailbox, { stop, ended }] of watched) {
      if (wanted.includes(mailbox)) continue;
      stop.abort();
      await ended;
      watched.delete(mailbox);
      unread.delete(mailbox);
    }
    if (account === null) return;
    for (const mailbox of wanted) if (!watched.has(mailbox)) watched.set(mailbox, watch(account, mailbox));
  }

  function watch({ name, open, checkIntervalMs }: MailAccount, mailbox: string): Watched {
    const stop = new AbortController();
    const onState = (failures: number) => {
      if (failures >= doubtAfter) unread.add(mailbox);
      else if (failures === 0) unread.delete(mailbox);
    };
    const triggers = async () => (await mailTriggers(parts)).filter(({ rule }) => rule.mailbox === mailbox);
    const watching = { key: `${name}/${mailbox}`, mailbox, checkIntervalMs, open, triggers, onState };
    return { stop, ended: watchMailbox(parts, watching, stop.signal) };
  }
}

/** Triggers that are on, paused ones among them: what comes meanwhile is on record as skipped. */
async function mailTriggers({ store, log }: SessionParts): Promise<readonly MailTrigger[]> {
  const found: MailTrigger[] = [];
  for (const trigger of await store.triggers({ type: 'email' })) {
    if (!trigger.enabled) continue;
    const read = emailShape.safeParse(trigger.definition.spec);
    if (read.success) found.push({ trigger, rule: readEmailSpec(read.data) });
    else log.error('a trigger has a definition that is not understood', { triggerId: trigger.id });
  }
  return found;
}

/** A trigger that is switched off starts anew when it is on again: what came meanwhile is not made good. */
async function forgetStarts({ store }: SessionParts): Promise<void> {
  for (const { id, enabled } of await store.triggers({ type: 'email' })) {
    if (enabled || (await triggerStart(store, id)) === null) continue;
    await store.transact((tx) => putTriggerStart(tx, id, null));
  }
}
