/** Reads a message: its headers, text and files. The one place that knows the parser. */
import PostalMime, { type Address, type Attachment, addressParser } from 'postal-mime';

/** Somebody who is named in a message. */
export interface MailAddress {
  /** `''` when there is none */
  readonly name: string;
  /** as it is written; `''` when there is none */
  readonly address: string;
}

/** A header as it is written, unfolded. */
export interface MailHeader {
  /** in lower case */
  readonly name: string;
  readonly value: string;
}

/** A file in a message. */
export interface MailFile {
  /** as the sender says: no path to be trusted; null when it has none */
  readonly name: string | null;
  /** in lower case, without parameters */
  readonly contentType: string;
  /** whether it is part of how the text looks, such as a picture in a signature */
  readonly isInline: boolean;
  readonly content: Uint8Array;
}

/** A message that was read. */
export interface Mail {
  /** from the top */
  readonly headers: readonly MailHeader[];
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly subject: string;
  /** with its angle brackets; null when it has none */
  readonly messageId: string | null;
  /** as its sender says; RFC 3339, or what stands there; null when it has none */
  readonly date: string | null;
  /** plain text; null when it has none */
  readonly text: string | null;
  readonly html: string | null;
  readonly files: readonly MailFile[];
}

/** Deepest nesting of parts, and of messages in messages. */
const maxNestingDepth = 50;

/**
 * Reads a message, or the beginning of one: what was cut off is missing then. A message inside a message is a file.
 * @throws {Error} parts nested deeper than 50, or headers of more than 2 MiB
 */
export async function readMail(source: Uint8Array): Promise<Mail> {
  const mail = await PostalMime.parse(source, { maxNestingDepth, forceRfc822Attachments: true });
  return {
    headers: mail.headers.map(({ key, value }) => ({ name: key, value })),
    from: allIn(mail.headers.filter(({ key }) => key === 'from').map(({ value }) => value)),
    to: flat(mail.to),
    cc: flat(mail.cc),
    subject: mail.subject ?? '',
    messageId: mail.messageId ?? null,
    date: mail.date ?? null,
    text: mail.text ?? null,
    html: mail.html ?? null,
    files: mail.attachments.map(fileOf),
  };
}

/** Every author in every such header: a message with two of them is nobody's. */
function allIn(values: readonly string[]): readonly MailAddress[] {
  return values.flatMap((value) => flat(addressParser(value)));
}

function flat(addresses: readonly Address[] | undefined): readonly MailAddress[] {
  return (addresses ?? []).flatMap((one) =>
    one.group === undefined ? [{ name: one.name, address: one.address }] : one.group,
  );
}

function fileOf({ filename, mimeType, disposition, related, content }: Attachment): MailFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
  return {
    name: filename,
    contentType: mimeType,
    isInline: disposition !== 'attachment' && related === true,
    content: bytes,
  };
}
