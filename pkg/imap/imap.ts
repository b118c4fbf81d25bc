/**
 * Reads a mailbox over IMAP: as much of the protocol as it takes to notice messages, read them and mark them. Written for
 * this, because the clients that can be had bring more packages than all else here together.
 * @see RFC 9051 and RFC 3501; RFC 2177 (IDLE), RFC 6851 (MOVE), RFC 4315 (UIDPLUS)
 */
import type { Clock } from '../clock/clock.ts';
import { ImapError } from './imap-error.ts';
import { type ImapAddress, ImapWire, said } from './imap-wire.ts';
import { parseInternalDate, quote, quoteMailbox, searchDay } from './quote.ts';
import type { Response } from './response-reader.ts';
import { type ImapValue, readFetch } from './response-values.ts';

/** Most of the headers of one message that is asked for; bytes. */
const maxHeaderBytes = 128 * 1024;

/** How to reach an account. */
export interface ImapOptions {
  readonly address: ImapAddress;
  readonly user: string;
  readonly password: string;
  readonly clock: Clock;
  /** a server that says nothing for so long while an answer is due is gone; ms */
  readonly timeoutMs: number;
  /** most bytes of one message that are ever asked for */
  readonly maxMessageBytes: number;
}

/** A mailbox that was opened. */
export interface OpenMailbox {
  /** changes when the numbers of messages are no longer those of before */
  readonly uidValidity: number;
  /** number that the next message gets */
  readonly uidNext: number;
}

/** A message without its body. */
export interface MessageHead {
  readonly uid: number;
  /** of the whole message */
  readonly bytes: number;
  /** when it came into the mailbox, by the server's clock; epoch ms; whole seconds */
  readonly arrivedAt: number;
  /** as they are written; the first 128 KiB */
  readonly headers: Buffer;
}

/** A connection with one mailbox open. One call at a time. Every call throws `ImapError`. */
export interface ImapConnection {
  readonly mailbox: OpenMailbox;
  /** whether the server tells of new messages by itself */
  readonly canIdle: boolean;
  /** Numbers of the messages from one on, ascending; that have come since a day when given. */
  list(fromUid: number, sinceMs?: number): Promise<readonly number[]>;
  /** Their heads, ascending; those that are gone are left out. */
  heads(uids: readonly number[]): Promise<readonly MessageHead[]>;
  /** The first bytes of a message as it is written; null when it is gone. Does not mark it as read. */
  source(uid: number, maxBytes: number): Promise<Buffer | null>;
  markSeen(uid: number): Promise<void>;
  /** Moves a message into another mailbox, which must be there. */
  move(uid: number, mailbox: string): Promise<void>;
  /** Waits until the server tells of something, at most `ms`, or until the signal. Rejects when the connection is gone. */
  idle(ms: number, signal: AbortSignal): Promise<void>;
  /** Asks for nothing, so that a connection that is gone is noticed. */
  noop(): Promise<void>;
  /** Takes leave; what is under way is rejected. Twice is once. */
  close(): void;
}

/**
 * Opens a mailbox.
 * @param signal  ends the attempt; not the connection
 * @throws {ImapError} `refused`: user, password or mailbox are not right
 */
export async function openMailbox(
  options: ImapOptions,
  mailbox: string,
  signal: AbortSignal,
): Promise<ImapConnection> {
  let hasNews = false;
  let ring: (() => void) | null = null;
  const onUntagged = ([first]: Response) => {
    if (typeof first !== 'string' || !/^\* \d+ (EXISTS|RECENT)/i.test(first)) return;
    hasNews = true;
    ring?.();
  };
  const { address, clock, timeoutMs, maxMessageBytes } = options;
  const wire = new ImapWire({ address, clock, timeoutMs, maxLiteralBytes: maxMessageBytes, onUntagged });
  const onAbort = () => wire.destroy('the connection was given up');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const capabilities = await logIn(wire, options);
    const opened = readOpened(await wire.command(`SELECT ${quoteMailbox(mailbox)}`));
    const has = (name: string) => capabilities.has(name);
    return {
      mailbox: opened,
      canIdle: has('IDLE'),
      list: async (fromUid, sinceMs) => {
        hasNews = false;
        const since = sinceMs === undefined ? '' : ` SINCE ${searchDay(sinceMs)}`;
        return readSearch(await wire.command(`UID SEARCH UID ${fromUid}:*${since}`));
      },
      heads: async (uids) => {
        if (uids.length === 0) return [];
        return readHeads(
          await wire.command(
            `UID FETCH ${uids.join(',')} (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER]<0.${maxHeaderBytes}>)`,
          ),
        );
      },
      source: async (uid, maxBytes) =>
        readSource(await wire.command(`UID FETCH ${uid} (UID BODY.PEEK[]<0.${maxBytes}>)`), uid),
      markSeen: async (uid) => {
        await wire.command(`UID STORE ${uid} +FLAGS.SILENT (\\Seen)`);
      },
      move: (uid, to) => moveMessage(wire, { uid, to, has }),
      idle: (ms, stop) => {
        if (hasNews) return Promise.resolve();
        return idle(wire, {
          clock,
          ms,
          signal: stop,
          onRing: (action) => {
            ring = action;
          },
        });
      },
      noop: async () => {
        await wire.command('NOOP');
      },
      close: () => wire.leave(),
    };
  } catch (error) {
    wire.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** @returns what the server can do, in capitals */
async function logIn(wire: ImapWire, { user, password }: ImapOptions): Promise<ReadonlySet<string>> {
  const greeting = await wire.greet();
  if (!/^\* (OK|PREAUTH)\b/i.test(greeting))
    throw new ImapError('refused', `the server does not serve us: ${said(greeting)}`);
  const before = readCapabilities(await wire.command('CAPABILITY'));
  if (before.has('AUTH=PLAIN')) {
    const secret = Buffer.from(`\0${user}\0${password}`).toString('base64');
    await wire.command('AUTHENTICATE PLAIN', () => wire.write(secret));
  } else if (before.has('LOGINDISABLED')) {
    throw new ImapError('refused', 'the server takes no password here');
  } else await wire.command(`LOGIN ${quote(user)} ${quote(password)}`);
  return readCapabilities(await wire.command('CAPABILITY'));
}

function textOf(response: Response): string {
  return typeof response[0] === 'string' ? response[0] : '';
}

function readCapabilities(responses: readonly Response[]): ReadonlySet<string> {
  const line = responses.map(textOf).find((text) => /^\* CAPABILITY /i.test(text)) ?? '';
  return new Set(line.toUpperCase().split(' ').slice(2));
}

function readOpened(responses: readonly Response[]): OpenMailbox {
  const numberOf = (name: string) => {
    const found = responses.map(textOf).find((text) => new RegExp(`\\[${name} (\\d+)\\]`, 'i').test(text));
    return Number(/\d+(?=\])/.exec(found ?? '')?.[0] ?? Number.NaN);
  };
  const [uidValidity, uidNext] = [numberOf('UIDVALIDITY'), numberOf('UIDNEXT')];
  if (Number.isNaN(uidValidity) || Number.isNaN(uidNext))
    throw new ImapError('protocol', 'the server gives messages no lasting numbers (UIDVALIDITY, UIDNEXT)');
  return { uidValidity, uidNext };
}

function readSearch(responses: readonly Response[]): readonly number[] {
  const found = responses.map(textOf).filter((text) => /^\* SEARCH\b/i.test(text));
  const uids = found.flatMap((text) => text.split(' ').slice(2).map(Number));
  return [...new Set(uids.filter((uid) => Number.isSafeInteger(uid) && uid > 0))].sort((a, b) => a - b);
}

function readHeads(responses: readonly Response[]): readonly MessageHead[] {
  const heads: MessageHead[] = [];
  for (const items of responses.map(readFetch)) {
    const headers = bytesOf(items?.get('BODY[HEADER]<0>') ?? items?.get('BODY[HEADER]'));
    const arrivedAt = parseInternalDate(String(items?.get('INTERNALDATE') ?? ''));
    const [uid, bytes] = [Number(items?.get('UID')), Number(items?.get('RFC822.SIZE'))];
    if (headers === null || arrivedAt === null || !(uid > 0) || !(bytes >= 0)) continue;
    heads.push({ uid, bytes, arrivedAt, headers });
  }
  return heads.sort((a, b) => a.uid - b.uid);
}

function readSource(responses: readonly Response[], uid: number): Buffer | null {
  for (const items of responses.map(readFetch)) {
    if (Number(items?.get('UID')) !== uid) continue;
    const bytes = bytesOf(items?.get('BODY[]<0>') ?? items?.get('BODY[]'));
    if (bytes !== null) return bytes;
  }
  return null;
}

/** A literal, or a short one that the server wrote as a string. */
function bytesOf(value: ImapValue | undefined): Buffer | null {
  if (value instanceof Buffer) return value;
  return typeof value === 'string' ? Buffer.from(value) : null;
}

async function moveMessage(
  wire: ImapWire,
  { uid, to, has }: { readonly uid: number; readonly to: string; readonly has: (name: string) => boolean },
): Promise<void> {
  if (has('MOVE')) {
    await wire.command(`UID MOVE ${uid} ${quoteMailbox(to)}`);
    return;
  }
  await wire.command(`UID COPY ${uid} ${quoteMailbox(to)}`);
  await wire.command(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`);
  // without UIDPLUS it would take others along that are only marked
  if (has('UIDPLUS')) await wire.command(`UID EXPUNGE ${uid}`);
}

async function idle(
  wire: ImapWire,
  wait: {
    readonly clock: Clock;
    readonly ms: number;
    readonly signal: AbortSignal;
    readonly onRing: (action: (() => void) | null) => void;
  },
): Promise<void> {
  const { clock, ms, signal, onRing } = wait;
  let isOpen = false;
  let isOver = false;
  const end = () => {
    if (isOpen && !isOver) wire.write('DONE');
    isOver = true;
  };
  const onContinue = () => {
    isOpen = true;
    if (isOver) wire.write('DONE');
  };
  onRing(end);
  const cancelTimer = clock.after(ms, end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    await wire.command('IDLE', onContinue);
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', end);
    onRing(null);
  }
}
