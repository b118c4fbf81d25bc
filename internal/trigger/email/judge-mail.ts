/** Whether a message fires a trigger. Pure. */
import type { Mail } from '../../../pkg/mail/read-mail.ts';
import type { EmailRule } from './email-spec.ts';
import { matchesGlob } from './glob.ts';
import { type Sender, verifySender } from './verify-sender.ts';

/** What became of a message at one trigger. */
export type MailVerdict =
  /** it is not meant */
  | { readonly kind: 'other' }
  /** it is meant, and its sender may not */
  | { readonly kind: 'refused'; readonly sender: Sender; readonly why: string }
  | { readonly kind: 'fires'; readonly sender: Sender };

/** Most characters of a subject or an address that patterns are held against. */
const maxMatchedChars = 2_000;

/** Judges by the headers alone; `hasAttachment` is another question, for it takes the whole message. */
export function judgeMail(
  rule: EmailRule,
  mail: Pick<Mail, 'headers' | 'from' | 'to' | 'cc' | 'subject'>,
): MailVerdict {
  const isOne = (patterns: readonly string[], texts: readonly string[]) =>
    patterns.length === 0 ||
    patterns.some((pattern) => texts.some((text) => matchesGlob(pattern, text.slice(0, maxMatchedChars))));
  const addresses = (people: Mail['to']) => people.map(({ address }) => address);
  const isMeant =
    isOne(rule.from, addresses(mail.from)) &&
    isOne(rule.to, addresses([...mail.to, ...mail.cc])) &&
    isOne(rule.subject, [mail.subject]);
  if (!isMeant) return { kind: 'other' };
  const sender = verifySender(mail, rule.authservId);
  if (!sender.isVerified && !rule.allowsUnverified) return { kind: 'refused', sender, why: sender.why };
  if (!isOne(rule.allowedSenders, [sender.address]))
    return { kind: 'refused', sender, why: 'its sender is not among allowedSenders' };
  return { kind: 'fires', sender };
}
