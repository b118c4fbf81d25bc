/** Hands mail to an SMTP server. The door of nodemailer; the connection is made here, so that its address is looked at first. */
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { addressDenied } from '../outbound/denied.ts';
import type { OutboundGuard } from '../outbound/guard.ts';
import { SmtpError } from './smtp-error.ts';

/** A server that takes mail. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte on; `starttls`: nothing is said before; `none`: in the open */
  readonly security: 'tls' | 'starttls' | 'none';
  /** null = nobody logs in */
  readonly login: { readonly user: string; readonly password: string } | null;
  readonly guard: OutboundGuard;
}

/** A message of plain text. */
export interface OutgoingMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** with its angle brackets; sent twice it is the same message */
  readonly messageId: string;
  /** epoch ms */
  readonly at: number;
}

/** Longest silence of a server; ms. The caller's signal ends a send that is kept alive for longer. */
const silenceMs = 10_000;

/**
 * Sends a message. Resolves when the server has taken it for one recipient at least.
 * @throws {SmtpError}; the reason of the signal when that ended it
 */
export async function sendMail(server: SmtpServer, mail: OutgoingMail, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const fault = server.guard.fault(server.host);
  if (fault !== null) throw new SmtpError('denied');
  const socket = await open(server, signal);
  const stop = () => socket.destroy(new Error('it took too long'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    await transportOver(socket, server).sendMail({
      ...{ from: mail.from, to: [...mail.to], subject: mail.subject, text: mail.text },
      ...{ messageId: mail.messageId, date: new Date(mail.at) },
      // nobody's holiday answers it
      headers: { 'auto-submitted': 'auto-generated' },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw smtpErrorOf(error);
  } finally {
    signal.removeEventListener('abort', stop);
    // with what is still to be written: a good-bye
    socket.destroySoon();
  }
}

function open({ host, port, guard }: SmtpServer, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup: guard.lookup });
    const stop = () => socket.destroy(new Error('it took too long'));
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', stop);
      socket.removeListener('error', fail);
      act();
    };
    const fail = (cause: NodeJS.ErrnoException) =>
      settle(() => {
        if (signal.aborted) return reject(signal.reason);
        reject(new SmtpError(isDenied(cause) ? 'denied' : 'connect', { cause }));
      });
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', fail);
    socket.once('connect', () =>
      settle(() => {
        // a fault between here and the first listener of the transport is not to end the process
        socket.on('error', () => {});
        resolve(socket);
      }),
    );
  });
}

function transportOver(connection: Socket, { host, port, security, login }: SmtpServer) {
  return createTransport({
    ...{ host, port, connection, secure: security === 'tls' },
    ...(security === 'starttls' ? { requireTLS: true } : {}),
    ...(security === 'none' ? { ignoreTLS: true } : {}),
    // written out: no variable of the environment may turn it off
    tls: { rejectUnauthorized: true },
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password }, forceAuth: true }),
    ...{ greetingTimeout: silenceMs, socketTimeout: silenceMs, maxResponseSize: 64 * 1024 },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
}

function smtpErrorOf(cause: unknown): SmtpError {
  const { code, originalCode = '', responseCode } = (cause ?? {}) as Readonly<Record<string, unknown>>;
  const status = typeof responseCode === 'number' && responseCode > 0 ? responseCode : null;
  if (code === 'EAUTH' || code === 'ENOAUTH') return new SmtpError('login', { status, cause });
  if (code === 'ETIMEDOUT') return new SmtpError('late', { cause });
  // a certificate that nobody vouches for comes as a fault of the socket
  if (code === 'ETLS' || /^ERR_(SSL|TLS)|CERT/.test(String(originalCode)))
    return new SmtpError('tls', { status, cause });
  return new SmtpError(status !== null && status >= 400 ? 'refused' : 'broken', { status, cause });
}

const isDenied = ({ code }: NodeJS.ErrnoException) => code === addressDenied;
