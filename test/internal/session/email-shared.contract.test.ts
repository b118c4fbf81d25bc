/** Servers that share one PostgreSQL (KERUTA_TEST_POSTGRES_URL) and one mail account (KERUTA_TEST_IMAP_URL). */
import { expect, onTestFinished, test } from 'vitest';
import { triggerStart } from '../../../internal/session/mailbox-state.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';
import { applyEmail, makeAccount, makeParts, subjectsOf, watch } from './mail-world.ts';

const patient = { timeout: 25_000, interval: 20 };

test('each message runs once on three servers, of which one after another is stopped', async () => {
  const place = await newSchema();
  onTestFinished(() => place.remove());
  const { url, schema } = place;
  const base = await makeParts();
  const serve = async (): Promise<SessionParts> => {
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    onTestFinished(() => store.close());
    return { ...base, store };
  };
  const servers = [await serve(), await serve(), await serve()] as const;
  const [first] = servers;
  await applyEmail(first);
  const mail = await makeAccount();
  const watching = servers.map((parts) => watch(parts, mail.account));
  const [trigger] = await first.store.triggers({ type: 'email' });
  await expect.poll(() => triggerStart(first.store, trigger?.id ?? ''), patient).not.toBeNull();
  await expect.poll(() => mail.wire.accepted(), patient).toBeGreaterThanOrEqual(3);
  const subjects = Array.from({ length: 30 }, (_, index) => `letter ${index}`);
  for (const [index, subject] of subjects.entries()) {
    await mail.deliver({ subject });
    if (index === 10) await watching[0]?.stop();
    if (index === 20) await watching[1]?.stop();
  }
  await expect.poll(async () => (await subjectsOf(first)).length, patient).toBe(30);
  expect((await subjectsOf(first)).map(String).toSorted()).toEqual(subjects.toSorted());
});
