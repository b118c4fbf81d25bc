/** What a trigger of type email takes. */
import { z } from 'zod';
import { InputError } from '../../domain/errors.ts';

/** Largest attachment, and all of one message together; bytes. The event holds them in base64. */
export const maxAttachmentBytes = 5 * 1024 * 1024;
/** @see maxAttachmentBytes */
export const maxAttachmentsBytes = 8 * 1024 * 1024;

const glob = z.string().min(1).max(500);
const globs = z.union([glob, z.array(glob).min(1).max(100)]);
const mailbox = z.string().min(1).max(255);

/** The shape. */
export const emailShape = z.strictObject({
  /** default INBOX */
  mailbox: mailbox.optional(),
  /** patterns of the author's address */
  from: globs.optional(),
  /** patterns of the addresses under To and Cc */
  to: globs.optional(),
  subject: globs.optional(),
  /** whether it must have a file, or must have none */
  hasAttachment: z.boolean().optional(),
  /** whether the task gets its files; default false */
  attachments: z
    .union([
      z.boolean(),
      z.strictObject({
        /** of one; larger ones are named, not handed over; default 1 MiB */
        maxBytes: z.int().min(1).max(maxAttachmentBytes).optional(),
        /** of all together; default 5 MiB */
        maxTotalBytes: z.int().min(1).max(maxAttachmentsBytes).optional(),
        /** patterns such as image/*; default: all */
        types: globs.optional(),
      }),
    ])
    .optional(),
  /** whether a message is marked as read when its task is there; default false */
  markSeen: z.boolean().optional(),
  /** mailbox that a message is moved to then; it must be there */
  moveTo: mailbox.optional(),
  /** patterns of the addresses that may fire it */
  allowedSenders: globs.optional(),
  /** name that the receiving server puts into Authentication-Results; only what it says there is believed */
  authservId: z.string().min(1).max(255).optional(),
  /** `allow` takes messages whose sender nobody has checked; default `refuse` */
  unverified: z.enum(['refuse', 'allow']).optional(),
});

/** A definition as it is written. */
export type EmailSpec = z.output<typeof emailShape>;

/** What of a message's files goes to the task. Sizes in bytes. */
export interface AttachmentLimits {
  readonly maxBytes: number;
  readonly maxTotalBytes: number;
  readonly types: readonly string[];
}

/** A definition with its defaults. */
export interface EmailRule {
  readonly mailbox: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly subject: readonly string[];
  readonly hasAttachment: boolean | null;
  /** null = none */
  readonly attachments: AttachmentLimits | null;
  readonly markSeen: boolean;
  readonly moveTo: string | null;
  readonly allowedSenders: readonly string[];
  readonly authservId: string | null;
  readonly allowsUnverified: boolean;
}

const listOf = (value: string | readonly string[] | undefined) =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Fills in the defaults. INBOX is the same in any case of its letters. */
export function readEmailSpec(spec: EmailSpec): EmailRule {
  const { mailbox = 'INBOX', attachments } = spec;
  const limits = typeof attachments === 'object' ? attachments : {};
  const wanted = {
    maxBytes: limits.maxBytes ?? 1024 * 1024,
    maxTotalBytes: limits.maxTotalBytes ?? 5 * 1024 * 1024,
    types: listOf(limits.types ?? '*'),
  };
  return {
    mailbox: mailbox.toUpperCase() === 'INBOX' ? 'INBOX' : mailbox,
    from: listOf(spec.from),
    to: listOf(spec.to),
    subject: listOf(spec.subject),
    hasAttachment: spec.hasAttachment ?? null,
    attachments: attachments === undefined || attachments === false ? null : wanted,
    markSeen: spec.markSeen ?? false,
    moveTo: spec.moveTo ?? null,
    allowedSenders: listOf(spec.allowedSenders),
    authservId: spec.authservId ?? null,
    allowsUnverified: spec.unverified === 'allow',
  };
}

/**
 * What is wrong or doubtful beyond the shape.
 * @throws {InputError} KERUTA_ERR_BAD_VALUE: nothing says who may fire it
 */
export function checkEmailSpec(spec: EmailSpec): readonly string[] {
  const rule = readEmailSpec(spec);
  if (rule.moveTo !== null && rule.moveTo === rule.mailbox)
    throw new InputError('KERUTA_ERR_BAD_VALUE', `moveTo: expected another mailbox than ${rule.mailbox}`);
  if (rule.allowsUnverified)
    return ['unverified: allow: anybody who can send mail to this mailbox can fire it, in any name'];
  if (rule.authservId === null)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'authservId: expected the name that your mail server writes at the beginning of Authentication-Results; without it no ' +
        'sender can be verified (unverified: allow takes everybody)',
    );
  if (rule.allowedSenders.length === 0)
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      'allowedSenders: expected addresses or patterns of those who may fire it, such as *@example.com',
    );
  return [];
}
