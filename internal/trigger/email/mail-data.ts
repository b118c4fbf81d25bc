/** A message as its task reads it. Everything in it is from outside: text, never commands; names, never paths. */
import { createHash } from 'node:crypto';
import type { Mail, MailAddress, MailFile } from '../../../pkg/mail/read-mail.ts';
import type { AttachmentLimits } from './email-spec.ts';
import { matchesGlob } from './glob.ts';
import type { Sender } from './verify-sender.ts';

/** What is known of a message beside what stands in it. */
export interface MailFacts {
  readonly uid: number;
  readonly mailbox: string;
  /** of the whole message */
  readonly bytes: number;
  /** epoch ms */
  readonly arrivedAt: number;
  /** whether only its beginning was read */
  readonly isCut: boolean;
}

/** Longest text; characters. */
const maxTextChars = 256 * 1024;
/** All headers; characters. */
const maxHeadersChars = 64 * 1024;
/** Most attachments that are named, and people. */
const maxNamed = 100;

/** Makes the data of an event. @param limits  which files go along; null = none, they are named only */
export function toMailData(
  mail: Mail,
  more: { readonly facts: MailFacts; readonly sender: Sender; readonly limits: AttachmentLimits | null },
): Readonly<Record<string, unknown>> {
  const { facts, sender, limits } = more;
  const [text, html] = [cut(mail.text), mail.text === null ? cut(mail.html) : null];
  const files = mail.files.slice(0, maxNamed);
  return {
    messageId: mail.messageId,
    from: mail.from[0] ?? null,
    to: people(mail.to),
    cc: people(mail.cc),
    subject: mail.subject.slice(0, 1000),
    date: mail.date,
    receivedAt: new Date(facts.arrivedAt).toISOString(),
    mailbox: facts.mailbox,
    uid: facts.uid,
    bytes: facts.bytes,
    senderVerified: sender.isVerified,
    text,
    html,
    isCut: facts.isCut || text !== mail.text || (html !== null && html !== mail.html),
    headers: headersOf(mail),
    attachments: attachmentsOf(files, limits, facts.isCut),
  };
}

function cut(text: string | null): string | null {
  return text === null ? null : text.slice(0, maxTextChars);
}

function people(all: readonly MailAddress[]): readonly MailAddress[] {
  return all.slice(0, maxNamed).map(({ name, address }) => ({ name, address }));
}

function headersOf({ headers }: Mail): readonly { readonly name: string; readonly value: string }[] {
  let left = maxHeadersChars;
  return headers.filter(({ name, value }) => {
    left -= name.length + value.length;
    return left >= 0;
  });
}

function attachmentsOf(files: readonly MailFile[], limits: AttachmentLimits | null, isCut: boolean) {
  let left = limits?.maxTotalBytes ?? 0;
  return files.map((file, index) => {
    const { content, contentType, isInline } = file;
    const about = { name: fileName(file, index), contentType, isInline, bytes: content.length };
    const leftOut = whyNot(file, { limits, left, isCut });
    if (leftOut !== null) return { ...about, leftOut };
    left -= content.length;
    const bytes = Buffer.from(content);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { ...about, sha256, base64: bytes.toString('base64') };
  });
}

function whyNot(
  { content, contentType }: MailFile,
  {
    limits,
    left,
    isCut,
  }: { readonly limits: AttachmentLimits | null; readonly left: number; readonly isCut: boolean },
): string | null {
  if (limits === null) return 'attachments are not asked for';
  if (isCut) return 'the message is too large';
  if (!limits.types.some((pattern) => matchesGlob(pattern, contentType))) return 'its type is not asked for';
  if (content.length > limits.maxBytes) return `it is larger than ${limits.maxBytes} bytes`;
  return content.length > left ? `all together are larger than ${limits.maxTotalBytes} bytes` : null;
}

/** The last part of a name, without what a file system or a terminal would take for more than a name. */
function fileName({ name }: MailFile, index: number): string {
  const last = (name ?? '').split(/[/\\]/).at(-1) ?? '';
  const plain = last
    .replace(/[\p{C}:*?"<>|]/gu, '_')
    .replace(/^\.+/, '')
    .trim()
    .slice(0, 120);
  return plain || `attachment-${index + 1}`;
}
