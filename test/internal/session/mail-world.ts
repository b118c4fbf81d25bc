/** A real mail server (KERUTA_TEST_IMAP_URL), messages for it, and something between it and us that can be cut. */
import { chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Occurrence } from '../../../internal/domain/workflow.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { type MailAccount, startEmail } from '../../../internal/session/email-loop.ts';
import { maxMessageBytes } from '../../../internal/session/look-at-mailbox.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { openMailbox } from '../../../pkg/imap/imap.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { caller } from './claims-world.ts';

const url = new URL(process.env.KERUTA_TEST_IMAP_URL ?? 'imap://not-set');
const mailDirectory = process.env.KERUTA_TEST_IMAP_DIR ?? '';
if (mailDirectory === '')
  throw new Error(
    'set KERUTA_TEST_IMAP_URL and KERUTA_TEST_IMAP_DIR (source scripts/dovecot.sh; start_dovecot)',
  );

/** A message, by its parts; `raw` is the whole of it. */
export interface Letter {
  readonly from?: string;
  readonly subject?: string;
  readonly id?: string;
  readonly text?: string;
  readonly headers?: string;
  readonly raw?: string;
}

let letters = 0;

/** Writes a message as the mail server of example.com would hand it over. */
export function letterOf({
  from = 'Ann <ann@example.com>',
  subject = 'hello',
  id,
  text = 'hi',
  headers,
  raw,
}: Letter): string {
  letters += 1;
  const checked = 'Authentication-Results: mx.example.com; dmarc=pass header.from=example.com';
  const top = `${headers ?? checked}\nFrom: ${from}\nTo: bot@example.com\nSubject: ${subject}\n`;
  return raw ?? `${top}Message-ID: <${id ?? `letter-${process.pid}-${letters}@example.com`}>\n\n${text}\n`;
}

/** An account of its own on the mail server, reached through a wire that can be cut. */
export async function makeAccount() {
  const user = `u${systemRandom.uuid4()}`;
  const home = join(mailDirectory, user);
  const { uid, gid } = await stat(mailDirectory);
  const owned = async (path: string) => {
    await mkdir(path, { recursive: true });
    await chown(path, uid, gid);
  };
  await owned(home);
  for (const part of ['cur', 'new', 'tmp', '.Done', '.Done/cur', '.Done/new', '.Done/tmp'])
    await owned(join(home, part));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const wire = await makeWire();
  const address = { host: '127.0.0.1', port: wire.port, isTls: false };
  const options = {
    address,
    user,
    password: 'secret',
    clock: systemClock,
    timeoutMs: 20_000,
    maxMessageBytes,
  };
  const open: MailAccount['open'] = (mailbox, signal) => openMailbox(options, mailbox, signal);
  return {
    user,
    wire,
    account: { name: user, checkIntervalMs: 60_000, open } satisfies MailAccount,
    /** Puts a message into INBOX, as a delivery agent does. */
    deliver: async (letter: Letter = {}) => {
      const text = letterOf(letter);
      const name = `${systemClock.now()}.${systemRandom.uuid4()}.host`;
      await writeFile(join(home, 'tmp', name), text);
      await chown(join(home, 'tmp', name), uid, gid);
      await rename(join(home, 'tmp', name), join(home, 'new', name));
    },
    /** Names of the files in INBOX, or below another mailbox. */
    files: async (mailbox = '') => [
      ...(await readdir(join(home, mailbox, 'cur'))),
      ...(await readdir(join(home, mailbox, 'new'))),
    ],
    /** Makes the server give all messages new numbers. */
    renumber: async () => {
      const validity = async () => {
        const connection = await open('INBOX', AbortSignal.timeout(20_000));
        connection.close();
        return connection.mailbox.uidValidity;
      };
      const before = await validity();
      // what serves a connection that has just ended may write the old numbers once more
      do {
        for (const name of await readdir(home))
          if (name.startsWith('dovecot')) await rm(join(home, name), { recursive: true, force: true });
      } while ((await validity()) === before);
    },
  };
}

/** Hands bytes on to the mail server, as long as it is let. */
async function makeWire() {
  const open = new Set<Socket>();
  let isCut = false;
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    if (isCut) return socket.destroy();
    const other = connect(Number(url.port), url.hostname);
    for (const [one, two] of [
      [socket, other],
      [other, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => two.destroy());
      one.pipe(two);
    }
    return socket;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  onTestFinished(() => {
    drop();
    server.close();
  });
  return {
    port: (server.address() as { readonly port: number }).port,
    accepted: () => accepted,
    drop,
    cut: () => {
      isCut = true;
      drop();
    },
    mend: () => {
      isCut = false;
    },
  };
}

/** Parts on a store in memory and the clock of the machine. */
export async function makeParts(): Promise<SessionParts> {
  const store = await openSqliteStore({ file: ':memory:', clock: systemClock, log: silentLog });
  onTestFinished(() => store.close());
  // nothing here has bytes to keep
  const blob = null as unknown as SessionParts['blob'];
  return { store, blob, clock: systemClock, random: systemRandom, log: silentLog };
}

const verified = { allowedSenders: '*@example.com', authservId: 'mx.example.com' };

/** A workflow with one email trigger, which is verified unless it says otherwise. */
export async function applyEmail(parts: SessionParts, trigger: object = {}, name = 'w') {
  const value = {
    name,
    run: 'true',
    overlap: 'allow',
    triggers: [{ type: 'email', ...verified, ...trigger }],
  };
  return applyWorkflow(parts, { caller, owner: 'api', value });
}

/** Watches until the test ends, or until it is stopped. */
export function watch(parts: SessionParts, account: MailAccount) {
  const stop = new AbortController();
  const emailing = startEmail(parts, account, stop.signal);
  const end = () => {
    stop.abort();
    return emailing.ended;
  };
  onTestFinished(end);
  return { ...emailing, stop: end };
}

/** Occurrences of mail, in the order in which they were decided. */
export async function occurrencesOf({ store }: SessionParts): Promise<readonly Occurrence[]> {
  const all = await store.occurrences({}, { limit: 1000, offset: 0 });
  return all.filter(({ source }) => source === 'email').toReversed();
}

/** What the tasks that ran get to read. */
export async function eventsOf(parts: SessionParts): Promise<readonly Record<string, unknown>[]> {
  const ran = (await occurrencesOf(parts)).filter(({ decision }) => decision === 'run');
  const events = await Promise.all(ran.map(({ eventId }) => parts.store.triggerEvent(eventId ?? '')));
  return events.map((event) => ({ ...event?.data }));
}

/** Waits until triggers of mail have begun to count. */
export async function subjectsOf(parts: SessionParts): Promise<readonly unknown[]> {
  return (await eventsOf(parts)).map(({ subject }) => subject);
}
