import { describe, expect, onTestFinished, test } from 'vitest';
import type { Occurrence } from '../../../internal/domain/workflow.ts';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { startEmail } from '../../../internal/session/email-loop.ts';
import { mailboxState, triggerStart } from '../../../internal/session/mailbox-state.ts';
import type { SessionParts } from '../../../internal/session/parts.ts';
import { pauseTrigger } from '../../../internal/session/trigger-verbs.ts';
import { retryMs } from '../../../internal/session/watch-mailbox.ts';
import { caller, makeWorld } from './claims-world.ts';
import { FakeMailbox } from './fake-mailbox.ts';

const patient = { timeout: 10_000, interval: 5 };
const minute = 60_000;
const day = 24 * 60 * minute;

/** A mailbox in memory with one trigger, watched by a server whose clock the test moves. */
async function watched(
  options: { parts?: Partial<SessionParts>; checkIntervalMs?: number; faults?: string[] } = {},
) {
  const world = await makeWorld();
  const parts = { ...world.parts, ...options.parts };
  const mailbox = new FakeMailbox();
  mailbox.faults = options.faults ?? [];
  const apply = (more: object = {}) => {
    const spec = { type: 'email', allowedSenders: '*@example.com', authservId: 'mx.example.com' };
    const value = { name: 'w', run: 'true', overlap: 'allow', triggers: [{ ...spec, ...more }] };
    return applyWorkflow(parts, { caller, owner: 'api', value });
  };
  await apply();
  const account = { name: 'bot', checkIntervalMs: options.checkIntervalMs ?? minute, open: mailbox.open };
  const begin = () => {
    const stop = new AbortController();
    const emailing = startEmail(parts, account, stop.signal);
    const end = () => {
      stop.abort();
      return emailing.ended;
    };
    onTestFinished(end);
    return { ...emailing, stop: end };
  };
  const rows = async () => {
    const all = await world.store.occurrences({}, { limit: 1000, offset: 0 });
    return all.toReversed().map(({ decision, reason }: Occurrence) => `${decision} ${reason}`);
  };
  const lastUid = async () => (await mailboxState(world.store, 'bot/INBOX'))?.lastUid;
  const isStarted = async () => {
    const [trigger] = await world.store.triggers({ type: 'email' });
    return (await triggerStart(world.store, trigger?.id ?? '')) !== null;
  };
  const started = () => expect.poll(isStarted, patient).toBe(true);
  const rowsAre = (wanted: readonly string[]) => expect.poll(rows, patient).toEqual(wanted);
  return { ...world, parts, mailbox, apply, begin, rowsAre, lastUid, started, isStarted };
}

describe('times between attempts', () => {
  test('double from one second to five minutes, and differ from server to server', () => {
    expect([1, 2, 3, 4].map((failures) => retryMs(failures, 0.999999))).toEqual([1000, 2000, 4000, 8000]);
    expect(retryMs(1, 0)).toBe(500);
    expect(retryMs(10_000, 0.999999)).toBe(5 * minute);
  });

  test.each([
    [minute, 5 * minute],
    [60 * minute, 9 * minute],
  ])(
    'with a check interval of %i ms, IDLE is begun anew after %i ms at the latest',
    async (checkIntervalMs, idleMs) => {
      const { mailbox, begin } = await watched({ checkIntervalMs });
      begin();
      await expect.poll(() => mailbox.idled, patient).toContain(idleMs);
      expect(Math.max(...mailbox.idled)).toBe(idleMs);
    },
  );
});

describe('a mail server that cannot be reached', () => {
  test('is a doubt after three attempts, and none any more when it is back', async () => {
    const { mailbox, begin, clock, started } = await watched({ faults: ['one', 'two', 'three', 'four'] });
    const emailing = begin();
    await expect.poll(() => mailbox.opened, patient).toBe(1);
    expect(emailing.doubts()).toEqual([]);
    const reaches = async (attempts: number) => {
      await expect
        .poll(() => {
          clock.advance(1000);
          return mailbox.opened;
        }, patient)
        .toBeGreaterThanOrEqual(attempts);
    };
    await reaches(3);
    await expect
      .poll(emailing.doubts, patient)
      .toEqual([expect.stringMatching(/^email: a mailbox cannot be read; /)]);
    await reaches(5);
    await started();
    await expect.poll(emailing.doubts, patient).toEqual([]);
  });

  test('does not keep this server from stopping', async () => {
    const { begin, mailbox } = await watched({ faults: ['down'] });
    const emailing = begin();
    await expect.poll(() => mailbox.opened, patient).toBe(1);
    await emailing.stop();
  });

  test('that is not set is a doubt as soon as a trigger needs it', async () => {
    const { parts } = await watched();
    const stop = new AbortController();
    const emailing = startEmail(parts, null, stop.signal);
    await expect.poll(emailing.doubts, patient).toEqual([expect.stringContaining('set IMAP_SERVER')]);
    stop.abort();
    await emailing.ended;
  });
});

describe('a message', () => {
  test('is looked for behind the last one only, though the server names the last one again', async () => {
    const { mailbox, begin, rowsAre, started, lastUid } = await watched();
    mailbox.put({ id: 'old' });
    begin();
    await started();
    mailbox.put({ id: 'new' });
    await rowsAre(['run event']);
    mailbox.drop();
    await expect.poll(() => mailbox.idled.length, patient).toBeGreaterThan(1);
    await rowsAre(['run event']);
    expect(await lastUid()).toBe(2);
  });

  test('that nobody wants is passed for good', async () => {
    const { apply, mailbox, begin, started, lastUid, rowsAre } = await watched();
    await apply({ subject: 'invoice*' });
    begin();
    await started();
    for (const subject of ['a', 'b', 'c']) mailbox.put({ subject });
    await expect.poll(lastUid, patient).toBe(3);
    await rowsAre([]);
  });

  test('whose task could not be written is taken later', async () => {
    const world = await watched();
    const { store } = world;
    let isBroken = false;
    const broken = {
      ...store,
      transact: ((work) =>
        store.transact(async (tx) => {
          const result = await work(tx);
          // everything was written, and the commit fails
          if (isBroken) throw new Error('the disk is full');
          return result;
        })) as typeof store.transact,
    };
    Object.assign(world.parts, { store: broken });
    const { mailbox, begin, rowsAre, started, clock } = world;
    begin();
    await started();
    isBroken = true;
    mailbox.put({ id: 'one' });
    await expect.poll(() => (isBroken ? mailbox.opened : 0), patient).toBe(1);
    await rowsAre([]);
    isBroken = false;
    await expect
      .poll(async () => {
        clock.advance(1000);
        return (await store.occurrences({}, { limit: 10, offset: 0 })).length;
      }, patient)
      .toBe(1);
    await rowsAre(['run event']);
  });

  test('waits in its mailbox while the queue is full', async () => {
    const world = await watched({ parts: { maxPendingTasks: 1 } });
    const { mailbox, begin, rowsAre, started, lastUid, clock } = world;
    begin();
    await started();
    mailbox.put({ id: 'one' });
    await rowsAre(['run event']);
    mailbox.put({ id: 'two' });
    await expect
      .poll(() => {
        clock.advance(1000);
        return mailbox.opened;
      }, patient)
      .toBeGreaterThan(2);
    await rowsAre(['run event']);
    expect(await lastUid()).toBe(1);
    const session = await world.store.sessionByName('w');
    const [task] = await world.store.tasks({ sessionId: session?.id ?? '' }, 'queue');
    expect(task?.status).toBe('PENDING');
    await world.store.transact((tx) => tx.deleteTask(task?.id ?? ''));
    await expect
      .poll(async () => {
        clock.advance(1000);
        return lastUid();
      }, patient)
      .toBe(2);
    await rowsAre(['run event', 'run event']);
  });

  test('with the Message-ID of one that came 30 days ago runs', async () => {
    const { mailbox, begin, rowsAre, started, lastUid, clock } = await watched();
    begin();
    await started();
    mailbox.put({ id: 'same' });
    await rowsAre(['run event']);
    clock.jump(29 * day);
    mailbox.put({ id: 'same' });
    await expect.poll(lastUid, patient).toBe(2);
    await rowsAre(['run event']);
    clock.jump(2 * day);
    mailbox.put({ id: 'same' });
    await rowsAre(['run event', 'run event']);
  });

  test('without a Message-ID is known by its headers when it gets another number', async () => {
    const { mailbox, begin, rowsAre, started, clock } = await watched();
    const first = begin();
    await started();
    for (const subject of ['a', 'b']) {
      clock.advance(1000);
      mailbox.put({ subject, arrivedAt: clock.now() });
    }
    await rowsAre(['run event', 'run event']);
    await first.stop();
    mailbox.renumber();
    begin();
    await rowsAre(['run event', 'run event', 'skipped uidvalidity_reset']);
    clock.advance(1000);
    mailbox.put({ subject: 'c', arrivedAt: clock.now() });
    await rowsAre(['run event', 'run event', 'skipped uidvalidity_reset', 'run event']);
  });

  test('from before the trigger does not run when it gets another number', async () => {
    const { mailbox, begin, rowsAre, started, clock, lastUid } = await watched();
    mailbox.put({ id: 'old', arrivedAt: clock.now() - 1000 });
    const first = begin();
    await started();
    await first.stop();
    mailbox.renumber();
    begin();
    await expect.poll(lastUid, patient).toBe(1);
    await rowsAre(['skipped uidvalidity_reset']);
  });
});

describe('a trigger', () => {
  test('that is paused has what came meanwhile on record', async () => {
    const { parts, mailbox, begin, rowsAre, started } = await watched();
    begin();
    await started();
    await pauseTrigger(parts, { caller, workflow: 'w', trigger: 'email' });
    mailbox.put({ id: 'one' });
    await rowsAre(['skipped paused']);
  });

  test('that was switched off does not run what came meanwhile', async () => {
    const { mailbox, apply, begin, rowsAre, started, isStarted } = await watched();
    begin();
    await started();
    await apply({ enabled: false });
    await expect.poll(isStarted, patient).toBe(false);
    mailbox.put({ id: 'meanwhile' });
    await apply();
    await started();
    mailbox.put({ id: 'after' });
    await rowsAre(['run event']);
  });
});
