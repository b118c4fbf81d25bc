/** How a connection behaves with servers that do not; against a real one it is in the contract tests of email triggers. */
import { createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { type ImapConnection, openMailbox } from '../../../pkg/imap/imap.ts';

const never = new AbortController().signal;
const opened = '* 0 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n';

type Answers = Readonly<Record<string, string | null>>;

/** A server that answers commands by their first word; null = not at all. */
async function serve(
  answers: Answers,
  options: { greeting?: string; clock?: TestClock; isTls?: boolean; timeoutMs?: number } = {},
) {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(options.greeting ?? '* OK ready\r\n');
    let tag = '';
    socket.on('data', (bytes) => {
      for (const line of String(bytes)
        .split('\r\n')
        .filter((one) => one !== '')) {
        heard.push(line);
        const [first = '', ...words] = line.split(' ');
        const name = words.join(' ');
        if (/^a\d+$/.test(first)) tag = first;
        const key = Object.keys(answers).find((one) => (name || first).startsWith(one));
        const answer = key === undefined ? 'TAG OK done\r\n' : answers[key];
        if (answer) socket.write(answer.replaceAll('TAG', tag));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { readonly port: number };
  const address = { host: '127.0.0.1', port, isTls: options.isTls ?? false };
  const { timeoutMs = 10_000 } = options;
  const more = { user: 'ann', password: 'sesame', timeoutMs, maxMessageBytes: 1000 };
  const open = (signal = never): Promise<ImapConnection> =>
    openMailbox({ address, clock: options.clock ?? systemClock, ...more }, 'INBOX', signal);
  return { open, heard, sockets };
}

const usual: Answers = {
  CAPABILITY: '* CAPABILITY IMAP4rev1 IDLE UIDPLUS\r\nTAG OK done\r\n',
  SELECT: `${opened}TAG OK [READ-WRITE] done\r\n`,
};

describe('a mail server', () => {
  test('that is as it should be is logged into, and told what is in its mailbox', async () => {
    const { open, heard } = await serve(usual);
    const connection = await open();
    expect(connection.mailbox).toEqual({ uidValidity: 5, uidNext: 9 });
    expect(connection.canIdle).toBe(true);
    expect(heard).toContain('a2 LOGIN "ann" "sesame"');
    connection.close();
    await expect.poll(() => heard.at(-1)).toBe('z LOGOUT');
  });

  test('is given the password by AUTHENTICATE where it can', async () => {
    const { open, heard } = await serve({
      ...usual,
      CAPABILITY: '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n',
      AUTHENTICATE: '+ \r\n',
      [Buffer.from('\0ann\0sesame').toString('base64')]: 'TAG OK in\r\n',
    });
    const connection = await open();
    expect(heard).toContain('a2 AUTHENTICATE PLAIN');
    connection.close();
  });

  test.each<[string, Answers, string | undefined, string]>([
    [
      'refuses the password',
      { LOGIN: 'TAG NO [AUTHENTICATIONFAILED] no\r\n' },
      undefined,
      'the server said: NO',
    ],
    ['refuses everybody', {}, '* BYE too many\r\n', 'the server does not serve us: * BYE too many'],
    ['is none of mail', {}, 'SSH-2.0-OpenSSH\r\n', 'does not serve us: SSH-2.0'],
    [
      'takes no passwords here',
      { CAPABILITY: '* CAPABILITY LOGINDISABLED\r\nTAG OK\r\n' },
      undefined,
      'takes no password',
    ],
    ['has no such mailbox', { SELECT: 'TAG NO none\r\n' }, undefined, 'the server said: NO none'],
    ['gives messages no lasting numbers', { SELECT: 'TAG OK\r\n' }, undefined, 'no lasting numbers'],
    ['repeats control characters', { SELECT: 'TAG NO \u001b[31mx\r\n' }, undefined, 'NO ?[31mx'],
  ])('that %s is an error that says so, without the password', async (_what, answers, greeting, message) => {
    const { open } = await serve({ ...usual, ...answers }, greeting === undefined ? {} : { greeting });
    const error = await open().then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    expect(error?.message).toContain(message);
    expect(error?.message).not.toContain('sesame');
  });

  test('that speaks no TLS gets no password', async () => {
    const { open, heard } = await serve(usual, { isTls: true });
    await expect(open()).rejects.toThrow('the connection broke');
    expect(heard.join()).not.toContain('sesame');
  });

  test.each(['CAPABILITY', 'LOGIN', 'SELECT'])(
    'that never answers %s is given up after the time limit',
    async (name) => {
      const clock = new TestClock();
      const { open, heard } = await serve({ ...usual, [name]: null }, { clock });
      const opening = expect(open()).rejects.toThrow('said nothing for 10 s');
      await expect.poll(() => heard.some((line) => line.includes(name))).toBe(true);
      clock.advance(10_000);
      await opening;
    },
  );

  test('that never answers is given up when asked to', async () => {
    const stop = new AbortController();
    const { open, heard } = await serve({ ...usual, SELECT: null });
    const opening = expect(open(stop.signal)).rejects.toThrow('given up');
    await expect.poll(() => heard.some((line) => line.includes('SELECT'))).toBe(true);
    stop.abort();
    await opening;
  });
});

describe('idling', () => {
  const idling = { ...usual, IDLE: '+ idling\r\n', DONE: 'TAG OK\r\n' };

  test('ends when the time is over, and the server is told', async () => {
    const clock = new TestClock();
    // the clock may be moved while an answer is on its way
    const { open, heard } = await serve(idling, { clock, timeoutMs: 1e9 });
    const connection = await open();
    await connection.list(1);
    const idle = connection.idle(540_000, never);
    await expect.poll(() => heard.at(-1)).toContain('IDLE');
    await expect
      .poll(() => {
        clock.advance(270_000);
        return heard.at(-1);
      })
      .toBe('DONE');
    await idle;
    connection.close();
  });

  test('ends when a message comes', async () => {
    const { open, heard, sockets } = await serve(idling);
    const connection = await open();
    await connection.list(1);
    const idle = connection.idle(540_000, never);
    await expect.poll(() => heard.at(-1)).toContain('IDLE');
    sockets[0]?.write('* 1 EXISTS\r\n');
    await idle;
    connection.close();
  });

  test('does not begin when a message came since the last look', async () => {
    const { open, heard } = await serve({ ...idling, NOOP: '* 2 EXISTS\r\nTAG OK\r\n' });
    const connection = await open();
    await connection.list(1);
    await connection.noop();
    await connection.idle(540_000, never);
    expect(heard.join()).not.toContain('IDLE');
    connection.close();
  });

  test('ends with an error when the connection is gone', async () => {
    const { open, heard, sockets } = await serve(idling);
    const connection = await open();
    await connection.list(1);
    const idle = expect(connection.idle(540_000, never)).rejects.toThrow('closed the connection');
    await expect.poll(() => heard.at(-1)).toContain('IDLE');
    sockets[0]?.destroy();
    await idle;
    await expect(connection.noop()).rejects.toThrow();
  });
});
