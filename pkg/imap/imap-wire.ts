/** One connection to an IMAP server as commands and answers; what they mean is in `imap.ts`. */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../clock/clock.ts';
import { ImapError } from './imap-error.ts';
import { type Response, ResponseReader } from './response-reader.ts';

/** Where a server listens. */
export interface ImapAddress {
  readonly host: string;
  readonly port: number;
  /** whether the connection is encrypted from its first byte, and the name in the certificate checked */
  readonly isTls: boolean;
}

/** How it is spoken to. */
export interface ImapWireOptions {
  readonly address: ImapAddress;
  readonly clock: Clock;
  /** a server that says nothing for so long while an answer is due is gone; ms */
  readonly timeoutMs: number;
  readonly maxLiteralBytes: number;
  /** hears of responses that belong to no command, and of those that do */
  readonly onUntagged: (response: Response) => void;
}

interface Waiting {
  readonly tag: string;
  readonly untagged: Response[];
  readonly onContinue: (() => void) | null;
  readonly resolve: (untagged: readonly Response[]) => void;
  readonly reject: (error: Error) => void;
}

/** How long a farewell may take; ms. */
const leaveMs = 1_000;
/** Longest text of a server that is repeated in a message; characters. */
const maxSaidChars = 200;

/** What a server said, fit for a message. */
export function said(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, maxSaidChars);
}

/** Speaks with a server. One command at a time. */
export class ImapWire {
  readonly #socket: Socket;
  readonly #options: ImapWireOptions;
  readonly #reader: ResponseReader;
  #tags = 0;
  #waiting: Waiting | null = null;
  #greeting: ((response: string) => void) | null = null;
  #fault: Error | null = null;
  #cancelTimer: () => void = () => {};
  #onEnd: () => void = () => {};

  constructor(options: ImapWireOptions) {
    this.#options = options;
    this.#reader = new ResponseReader(options.maxLiteralBytes);
    const { host, port, isTls } = options.address;
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    this.#socket = isTls ? connectTls({ host, port, ...servername }) : connectPlain({ host, port });
    this.#socket.setKeepAlive(true, 60_000);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', (error) =>
      this.#end(new ImapError('connection', `the connection broke: ${error.message}`, error)),
    );
    this.#socket.on('close', () =>
      this.#end(new ImapError('connection', 'the server closed the connection')),
    );
  }

  /** Why it is no use any more; null = it is. */
  get fault(): Error | null {
    return this.#fault;
  }

  /** Waits for the first words of the server. */
  greet(): Promise<string> {
    return this.#bounded((resolve) => {
      this.#greeting = resolve;
    });
  }

  /**
   * Sends a command and waits for its end.
   * @param onContinue  called when the server asks for the rest of it; from then on it may take its time until `write`
   * @returns everything that came meanwhile
   * @throws {ImapError} `refused`: the server says NO or BAD
   */
  command(text: string, onContinue: (() => void) | null = null): Promise<readonly Response[]> {
    if (this.#waiting !== null)
      return Promise.reject(new ImapError('protocol', 'a command is under way still'));
    this.#tags += 1;
    const tag = `a${this.#tags}`;
    return this.#bounded((resolve, reject) => {
      this.#waiting = { tag, untagged: [], onContinue, resolve, reject };
      this.#socket.write(`${tag} ${text}\r\n`);
    });
  }

  /** Sends the rest of a command, and expects its end within the time limit. */
  write(text: string): void {
    this.#restartTimer();
    this.#socket.write(`${text}\r\n`);
  }

  /** Takes leave, without waiting for what the server says to that. */
  leave(): void {
    if (this.#fault === null && this.#waiting === null) this.#socket.end('z LOGOUT\r\n');
    this.#fault ??= new ImapError('connection', 'the connection was closed');
    this.#options.clock.after(leaveMs, () => this.#socket.destroy());
    this.#end(this.#fault, this.#waiting === null);
  }

  /** Ends the connection at once. Twice is once. */
  destroy(why = 'the connection was closed'): void {
    this.#end(new ImapError('connection', why));
  }

  #bounded<T>(work: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    const ended = new Promise<T>((resolve, reject) => {
      if (this.#fault) return reject(this.#fault);
      this.#restartTimer();
      this.#onEnd = () => reject(this.#fault);
      work(resolve, reject);
    });
    return ended.finally(() => this.#cancelTimer());
  }

  #restartTimer(): void {
    const { clock, timeoutMs } = this.#options;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(timeoutMs, () =>
      this.#end(new ImapError('connection', `the server said nothing for ${timeoutMs / 1000} s`)),
    );
  }

  #end(error: Error, isLeaving = false): void {
    this.#cancelTimer();
    this.#fault ??= error;
    this.#waiting = null;
    if (!isLeaving) this.#socket.destroy();
    this.#onEnd();
  }

  #take(chunk: Buffer): void {
    if (this.#fault) return;
    // a long answer that goes on coming is no silence
    if (this.#waiting?.onContinue === null) this.#restartTimer();
    try {
      for (const response of this.#reader.push(chunk)) this.#hear(response);
    } catch (error) {
      this.#end(error instanceof Error ? error : new ImapError('protocol', String(error)));
    }
  }

  #hear(response: Response): void {
    const [first = ''] = response;
    const text = typeof first === 'string' ? first : '';
    if (this.#greeting !== null) {
      const greeting = this.#greeting;
      this.#greeting = null;
      greeting(text);
      return;
    }
    const waiting = this.#waiting;
    if (text.startsWith('+')) {
      this.#cancelTimer();
      waiting?.onContinue?.();
      return;
    }
    if (text.startsWith('*')) {
      waiting?.untagged.push(response);
      this.#options.onUntagged(response);
      return;
    }
    if (waiting === null || !text.startsWith(`${waiting.tag} `)) return;
    this.#waiting = null;
    const answer = text.slice(waiting.tag.length + 1);
    if (/^OK\b/i.test(answer)) waiting.resolve([...waiting.untagged, [`* ${answer}`]]);
    else waiting.reject(new ImapError('refused', `the server said: ${said(answer)}`));
  }
}
