/** A small SMTP server that does as a test says, on a free port of 127.0.0.1. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** A message that was taken. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** head and body, as they came */
  readonly data: string;
  readonly isEncrypted: boolean;
  /** `user:password`, when somebody logged in */
  readonly login: string | null;
}

/** How it behaves; what is left out is as it should be. */
export interface FakeSmtpOptions {
  /** says nothing behind this: the connection, a command by its first word, or `DATA.` after the message */
  hangsAt?: string;
  /** answers a command with this instead: `550 no` */
  answers: Record<string, string>;
  /** offers STARTTLS with it, or speaks TLS from the start */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly isTlsFromTheStart?: boolean;
}

/** Starts one. Close it when the test ends. */
export async function startFakeSmtp(given: Partial<FakeSmtpOptions> = {}) {
  const options: FakeSmtpOptions = { answers: {}, ...given };
  const mails: TakenMail[] = [];
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const context = options.tls === undefined ? null : createSecureContext(options.tls);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    const plain = context === null || !options.isTlsFromTheStart;
    serve(plain ? socket : encrypt(socket), !plain);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  function encrypt(socket: Socket): Socket {
    const secure = new TLSSocket(socket, { isServer: true, ...(context ? { secureContext: context } : {}) });
    secure.on('error', () => {});
    return secure;
  }

  function serve(socket: Socket, isEncrypted: boolean, isGreeted = false): void {
    let [from, login, rest]: [string, string | null, string] = ['', null, ''];
    let to: string[] = [];
    let isData = false;
    const say = (command: string, usual: string) => {
      if (options.hangsAt === command) return;
      socket.write(`${options.answers[command] ?? usual}\r\n`);
    };
    if (!isGreeted) say('connection', '220 fake ready');
    const takeData = (): boolean => {
      const end = rest.indexOf('\r\n.\r\n');
      if (end < 0) return false;
      const data = rest.slice(0, end);
      rest = rest.slice(end + 5);
      isData = false;
      if (options.hangsAt !== 'DATA.' && options.answers['DATA.'] === undefined)
        mails.push({ from, to, data, isEncrypted, login });
      say('DATA.', '250 taken');
      return true;
    };
    const takeLine = (): boolean => {
      const end = rest.indexOf('\r\n');
      if (end < 0) return false;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      heard.push(line);
      const [word = ''] = line.toUpperCase().split(/[ :]/);
      if (word === 'STARTTLS' && context !== null) {
        socket.write('220 go on\r\n');
        socket.removeAllListeners('data');
        serve(encrypt(socket), true, true);
        return false;
      }
      if (word === 'STARTTLS') say('STARTTLS', '502 not here');
      else if (word === 'EHLO') {
        const more = context !== null && !isEncrypted ? ['STARTTLS'] : [];
        const all = ['fake', ...more, 'AUTH PLAIN'];
        say('EHLO', all.map((one, n) => `250${n === all.length - 1 ? ' ' : '-'}${one}`).join('\r\n'));
      } else if (word === 'AUTH') {
        const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0');
        login = `${user}:${password}`;
        say('AUTH', '235 welcome');
      } else if (word === 'MAIL') {
        from = addressOf(line);
        to = [];
        say('MAIL', '250 ok');
      } else if (word === 'RCPT') {
        to.push(addressOf(line));
        say('RCPT', '250 ok');
      } else if (word === 'DATA') {
        isData = options.answers.DATA === undefined;
        say('DATA', '354 go on');
      } else if (word === 'QUIT') {
        socket.end('221 bye\r\n');
      } else say(word, '250 ok');
      return true;
    };
    socket.on('data', (bytes: Buffer) => {
      rest += bytes.toString('latin1');
      while (isData ? takeData() : takeLine());
    });
  }

  return {
    port,
    options,
    mails,
    /** every line that was not part of a message */
    heard,
    /** connections that are open now */
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** @see startFakeSmtp */
export type FakeSmtp = Awaited<ReturnType<typeof startFakeSmtp>>;

const addressOf = (line: string) => /<([^>]*)>/.exec(line)?.[1] ?? '';
