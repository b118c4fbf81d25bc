/**
 * Looks what is new in a mailbox. A sign of the server only ever means "look": what is new is decided by how far the mailbox
 * was read.
 */
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import type { ImapConnection, MessageHead } from '../../pkg/imap/imap.ts';
import { type Mail, readMail } from '../../pkg/mail/read-mail.ts';
import type { Trigger } from '../domain/workflow.ts';
import type { EmailRule } from '../trigger/email/email-spec.ts';
import { judgeMail, type MailVerdict } from '../trigger/email/judge-mail.ts';
import { toMailData } from '../trigger/email/mail-data.ts';
import { beginMailbox, startsOf } from './begin-mailbox.ts';
import { isNewTo, type MailboxState, mailboxState, type TriggerStart } from './mailbox-state.ts';
import type { SessionParts } from './parts.ts';
import { type MailWish, mailIdentity, passMail, takeMail } from './take-mail.ts';

/** A trigger that a mailbox is watched for. */
export interface MailTrigger {
  readonly trigger: Trigger;
  readonly rule: EmailRule;
}

/** A mailbox that is open. */
export interface Looking {
  readonly connection: ImapConnection;
  /** account and name */
  readonly key: string;
  readonly mailbox: string;
  readonly triggers: readonly MailTrigger[];
}

/** Heads that are asked for at a time. */
const batchSize = 50;
/** A larger message is read as far as its text may go, without its files; bytes. */
export const maxMessageBytes = 10 * 1024 * 1024;
/** How far a message is read when nobody wants its files, or it is too large; bytes. */
const maxTextBytes = 512 * 1024;

/** Takes everything that is new. Stops between two messages when the signal is aborted. */
export async function lookAtMailbox(
  parts: SessionParts,
  looking: Looking,
  signal: AbortSignal,
): Promise<void> {
  const { key, connection, triggers } = looking;
  const begun = await beginMailbox(parts, looking);
  const uids = await newUids(connection, begun);
  const newest = Math.max(begun.lastUid, ...uids.slice(-1));
  const starts = await startsOf(parts, {
    triggers,
    uidValidity: begun.uidValidity,
    fromUid: newest + 1,
  });
  // another server may have gone on meanwhile
  const state = (await mailboxState(parts.store, key)) ?? begun;
  const fresh = uids.filter((uid) => uid > state.lastUid);
  for (let from = 0; from < fresh.length; from += batchSize) {
    const batch = fresh.slice(from, from + batchSize);
    let passed: MessageHead | null = null;
    for (const head of await connection.heads(batch)) {
      if (signal.aborted) return;
      passed = (await takeOne(parts, { looking, starts, state, head })) ? null : head;
    }
    const { uidValidity } = state;
    if (passed !== null)
      await passMail(parts, { key, uidValidity, uid: passed.uid, arrivedAt: passed.arrivedAt });
  }
}

/** The numbers that were not decided, ascending. A server names its last message also when nothing is new. */
async function newUids(
  connection: ImapConnection,
  { lastUid, renumbered }: MailboxState,
): Promise<readonly number[]> {
  const from = lastUid + 1;
  if (renumbered === null || from >= renumbered.untilUid)
    return (await connection.list(from)).filter((uid) => uid >= from);
  const { untilUid, sinceMs } = renumbered;
  const before = (await connection.list(from, sinceMs)).filter((uid) => uid >= from && uid < untilUid);
  const behind = (await connection.list(untilUid)).filter((uid) => uid >= untilUid);
  return [...before, ...behind];
}

interface One {
  readonly looking: Looking;
  readonly starts: ReadonlyMap<string, TriggerStart>;
  readonly state: MailboxState;
  readonly head: MessageHead;
}

/** @returns false when it is nobody's */
async function takeOne(parts: SessionParts, { looking, starts, state, head }: One): Promise<boolean> {
  const triggers = looking.triggers.filter(({ trigger }) => {
    const start = starts.get(trigger.id);
    return start !== undefined && isNewTo(start, state, head);
  });
  const top = triggers.length === 0 ? null : await readMail(head.headers).catch(() => null);
  if (top === null) return false;
  const judged = triggers
    .map((one) => ({ ...one, verdict: judgeMail(one.rule, top) }))
    .filter(({ verdict }) => verdict.kind !== 'other');
  if (judged.length === 0) return false;
  const wishes = await wishesOf(looking, { head, top, judged });
  if (wishes.length === 0) return false;
  const { uid, arrivedAt } = head;
  const identity = mailIdentity(top.messageId, head.headers);
  const { key } = looking;
  const ran = await takeMail(parts, {
    key,
    uidValidity: state.uidValidity,
    uid,
    arrivedAt,
    identity,
    wishes,
  });
  failpoint('before_mail_mark');
  await mark(parts, looking, { uid, ran: ran ?? [] });
  return true;
}

interface Judged extends MailTrigger {
  readonly verdict: MailVerdict;
}

async function wishesOf(
  { connection, mailbox }: Looking,
  {
    head,
    top,
    judged,
  }: { readonly head: MessageHead; readonly top: Mail; readonly judged: readonly Judged[] },
): Promise<readonly MailWish[]> {
  const { uid, bytes, arrivedAt } = head;
  // what may not fire is not even fetched
  const isRead = judged.some(({ verdict }) => verdict.kind === 'fires');
  const isWhole = judged.some(({ rule }) => rule.attachments !== null || rule.hasAttachment !== null);
  const most = isWhole && bytes <= maxMessageBytes ? maxMessageBytes : maxTextBytes;
  const source = isRead ? await connection.source(uid, most) : null;
  const isGone = isRead && source === null;
  // its headers are known to be readable; parts that are nested without end leave it at them
  const whole = source === null ? null : await readMail(source).catch(() => null);
  const mail = whole ?? top;
  const facts = { uid, mailbox, bytes, arrivedAt, isCut: bytes > most || whole === null };
  const hasFile = mail.files.some(({ isInline }) => !isInline);
  return judged.flatMap(({ trigger: { id: triggerId }, rule, verdict }): readonly MailWish[] => {
    if (verdict.kind === 'refused') {
      const { messageId, subject } = top;
      const from = verdict.sender.address;
      return [{ triggerId, refused: { why: verdict.why, from, messageId, subject: subject.slice(0, 200) } }];
    }
    if (verdict.kind === 'other' || isGone) return [];
    if (rule.hasAttachment !== null && rule.hasAttachment !== hasFile) return [];
    return [
      { triggerId, data: toMailData(mail, { facts, sender: verdict.sender, limits: rule.attachments }) },
    ];
  });
}

/** Marks a message when its tasks are there. That it fails changes nothing: what was taken stays taken. */
async function mark(
  { log }: SessionParts,
  { connection, triggers, mailbox }: Looking,
  { uid, ran }: { readonly uid: number; readonly ran: readonly string[] },
): Promise<void> {
  const rules = triggers.filter(({ trigger }) => ran.includes(trigger.id)).map(({ rule }) => rule);
  const moveTo = rules.find((rule) => rule.moveTo !== null)?.moveTo ?? null;
  try {
    if (rules.some(({ markSeen }) => markSeen)) await connection.markSeen(uid);
    if (moveTo !== null) await connection.move(uid, moveTo);
  } catch (error) {
    log.warn('a message was taken, but could not be marked or moved', { mailbox, uid, moveTo, error });
  }
}
