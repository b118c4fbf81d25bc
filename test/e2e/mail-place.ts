/** A place whose server reads an account on a real mail server: Dovecot, which `scripts/test.sh` starts. */
import { onTestFinished } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { askEmbedded } from '../faults/lab/firing.ts';
import { makePlace, type RunningServer, until } from './place.ts';

/** Why mail cannot be read here; null when it can. */
export const noMail =
  (process.env.KERUTA_TEST_IMAP_DIR ?? '') === ''
    ? 'needs KERUTA_TEST_IMAP_URL and KERUTA_TEST_IMAP_DIR'
    : null;

/**
 * Makes a place, with an account and a server that reads it, for one test.
 * @param executable  default: dist/keruta
 */
export async function makeMailPlace(name: string, executable?: string) {
  // it refuses to be there without a mail server
  const { makeAccount } = await import('../internal/session/mail-world.ts');
  const account = await makeAccount();
  const place = makePlace(name, executable);
  onTestFinished(() => place.close());
  const password = place.file('password', 'secret\n', 0o600);
  const env = {
    IMAP_SERVER: `imap://127.0.0.1:${account.wire.port}`,
    EMAIL_USER: account.user,
    EMAIL_PASSWORD_FILE: password,
  };
  /** @param more  more environment */
  const start = (port = 0, more: Readonly<Record<string, string>> = {}): Promise<RunningServer> =>
    place.server([], { port, env: { ...place.env, ...env, ...more } });
  /** Makes the workflow `mail` of one trigger, and waits until messages count for it. */
  const apply = async (run: string, trigger: Readonly<Record<string, unknown>> = {}) => {
    const verified = { type: 'email', allowedSenders: '*@example.com', authservId: 'mx.example.com' };
    await place.api('POST', '/workflows', { name: 'mail', run, triggers: [{ ...verified, ...trigger }] });
    const begun = "SELECT 1 FROM meta WHERE name LIKE 'mailbox-start:%' AND value <> ''";
    await until('the mailbox is read', () => askEmbedded(place)(begun).length > 0, 60_000);
  };
  /** The session of the workflow. */
  const session = async () => {
    const [found] = await place.api<{ id: string }[]>('GET', '/sessions/search?name=mail');
    return found?.id ?? '';
  };
  /** What was fired, with the subject of its message, the oldest first. */
  const fired = async () => {
    const id = await session();
    const tasks = id === '' ? [] : await place.api<TaskWire[]>('GET', `/sessions/${id}/tasks`);
    const found = tasks.map(async (task) => {
      const event = await place.api<{ data: { subject: string } }>('GET', `/tasks/${task.id}/event`);
      return { id: task.id, createdAt: task.createdAt, subject: event.data.subject };
    });
    return (await Promise.all(found)).toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  };
  const subjects = async () => (await fired()).map(({ subject }) => subject);
  return { ...account, place, start, apply, session, fired, subjects };
}
