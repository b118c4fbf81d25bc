import { describe, expect, onTestFinished, test } from 'vitest';
import { later, never } from '../../../../internal/notify/channel.ts';
import { listNotifications, tryChannel } from '../../../../internal/session/notify/notification-verbs.ts';
import { startNotifications, unclaimedMs } from '../../../../internal/session/notify/notify-loop.ts';
import {
  endOf,
  maxTries,
  sendMs,
  sendNotification,
  takenMs,
} from '../../../../internal/session/notify/send-notification.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { caller } from '../claims-world.ts';
import { KeptChannel, told } from './told-world.ts';

const quiet = new AbortController().signal;

/** A world with one message on its way. */
async function waiting(workflow: object = {}) {
  const world = await told(workflow);
  await world.run(false);
  const { parts } = world;
  const [{ id } = { id: '' }] = await world.notifications();
  const show = async () => (await world.notifications()).find((one) => one.id === id);
  return { ...world, id, show, send: (signal = quiet) => sendNotification(parts, { id, signal }) };
}

describe('a message', () => {
  test('that a channel took is sent, and not sent again', async () => {
    const { ops, id, send, show } = await waiting();
    expect(await send()).toEqual({ holdMs: 0, isTold: true });
    expect(ops.sent).toMatchObject([{ id, subject: 'Workflow w failed', isRepeated: false }]);
    expect(await show()).toMatchObject({ state: 'sent', dueAt: null, error: null, tries: 1 });
    expect(await send()).toBeNull();
    expect(ops.sent).toHaveLength(1);
  });

  test('that was not taken is tried again later, and told when it is', async () => {
    const { ops, clock, send, show } = await waiting();
    ops.delivery = later('mail.example.com did not answer in time');
    expect(await send()).toMatchObject({ isTold: false });
    const before = await show();
    expect(before).toMatchObject({
      state: 'waiting',
      tries: 1,
      error: 'mail.example.com did not answer in time',
    });
    expect(await send()).toBeNull();
    clock.jump((before?.dueAt ?? 0) - clock.now());
    ops.delivery = { isTaken: true };
    await send();
    expect(await show()).toMatchObject({ state: 'sent', tries: 2, error: null });
    expect(ops.sent.map(({ isRepeated }) => isRepeated)).toEqual([false, true]);
  });

  test('that nobody will ever take is dead at once, and on record in the ledger', async () => {
    const { ops, store, id, send, show } = await waiting();
    ops.delivery = never('example.com answered 410');
    await send();
    expect(await show()).toMatchObject({ state: 'dead', dueAt: null, error: 'example.com answered 410' });
    const [entry] = await store.ledger({}, { limit: 1 });
    expect(entry).toMatchObject({
      kind: 'notification.dead',
      workflow: 'w',
      error: 'example.com answered 410',
    });
    expect(entry?.details).toEqual({ id, channel: 'ops', event: 'failure', tries: 1 });
  });

  test('for a channel that is not set up is dead, and says so', async () => {
    const world = await told({ notify: { to: 'gone' } });
    await world.run(false);
    const [one] = await world.notifications();
    await sendNotification(world.parts, { id: one?.id ?? '', signal: quiet });
    expect((await world.notifications())[0]).toMatchObject({
      ...{ state: 'dead', error: 'no server has a channel gone' },
    });
  });

  test('that hangs is given up in time, and is tried again', async () => {
    const { ops, clock, send, show } = await waiting();
    ops.before = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    ops.delivery = later('did not answer in time');
    const sent = send();
    await expect.poll(() => ops.sent.length).toBe(1);
    clock.advance(sendMs);
    expect(await sent).toMatchObject({ isTold: false });
    expect(await show()).toMatchObject({ state: 'waiting', error: 'did not answer in time' });
  });

  test('that a server had which is gone is sent again, under the same id, after a while and not before', async () => {
    const { ops, parts, store, clock, id, send } = await waiting();
    // sent, and killed before it was written down
    const killed = { ...parts, store: { ...store, transact: onlyFirst(store.transact) } };
    await expect(sendNotification(killed, { id, signal: quiet })).rejects.toThrow('killed');
    expect(ops.sent).toHaveLength(1);
    clock.jump(takenMs - 1);
    expect(await send()).toBeNull();
    clock.jump(1);
    await send();
    expect(ops.sent.map((one) => [one.id, one.isRepeated])).toEqual([
      [id, false],
      [id, true],
    ]);
  });

  test('that was being sent when the server stopped waits for the next one, at once', async () => {
    const { ops, send, show } = await waiting();
    const stop = new AbortController();
    ops.before = async () => stop.abort(new Error('stopping'));
    ops.delivery = later('did not answer in time');
    await send(stop.signal);
    expect(await show()).toMatchObject({ state: 'waiting', error: null, takenUntil: 0 });
    ops.before = async () => {};
    ops.delivery = { isTaken: true };
    expect(await send()).toMatchObject({ isTold: true });
  });

  test('is not lost by a channel with a fault of its own', async () => {
    const { ops, send, show } = await waiting();
    ops.before = () => Promise.reject(new Error('a fault with a secret'));
    await send();
    expect(await show()).toMatchObject({
      state: 'waiting',
      error: 'the channel has a fault; see the log of the server',
    });
  });
});

function onlyFirst<F extends (...args: never[]) => unknown>(transact: F): F {
  let calls = 0;
  return ((...args: never[]) => {
    if (calls++ > 0) throw new Error('killed');
    return transact(...args);
  }) as F;
}

describe('tries', () => {
  test('are further and further apart, and end', () => {
    const now = 1_000_000;
    const end = (tries: number, retryAfterMs: number | null = null) =>
      endOf({ tries }, later('no', retryAfterMs), { now, fraction: 1 });
    const waits = Array.from({ length: maxTries - 1 }, (_, n) => (end(n + 1).dueAt ?? 0) - now);
    expect(waits.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
    expect(waits.at(-1)).toBe(30 * 60_000);
    expect(end(maxTries)).toEqual({ state: 'dead', dueAt: null, error: 'no', settledAt: now });
    // what the other side says counts, within reason
    expect((end(1, 60_000).dueAt ?? 0) - now).toBe(60_000);
    expect((end(1, 86_400_000).dueAt ?? 0) - now).toBe(30 * 60_000);
  });
});

describe('the loop', () => {
  test('sends what is written down as soon as it is, and a channel that hangs holds up no other', async () => {
    const world = await told({ notify: { to: ['slow', 'ops'] } });
    const slow = new KeptChannel('slow');
    slow.before = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    slow.delivery = later('did not answer in time');
    const { notify } = world.parts;
    const parts = { ...world.parts, clock: systemClock, notify: { ...notify!, channels: [slow, world.ops] } };
    const stop = new AbortController();
    const loop = startNotifications(parts, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await loop.ended;
    });
    await world.run(false);
    await expect.poll(() => slow.sent.length).toBe(1);
    await expect.poll(() => world.ops.sent.length).toBe(1);
    await world.run(true);
    await expect.poll(() => world.ops.sent.map(({ words }) => words.event)).toEqual(['failure', 'recovery']);
    expect(slow.sent).toHaveLength(1);
    expect(loop.doubts()).toEqual([]);
  });

  test('leaves what is for a channel that it has not to another server for an hour, and gives it up then', async () => {
    const world = await told({ notify: { to: ['elsewhere', 'ops'] } });
    const stop = new AbortController();
    const loop = startNotifications({ ...world.parts, clock: systemClock }, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await loop.ended;
    });
    await world.run(false);
    const states = async () =>
      (await world.notifications()).map(({ channel, state, error }) => [channel, state, error]).toSorted();
    const sent = ['ops', 'sent', null];
    await expect.poll(states).toEqual([['elsewhere', 'waiting', null], sent]);
    world.clock.jump(unclaimedMs);
    world.store.notify('notifications');
    await expect.poll(states).toEqual([['elsewhere', 'dead', 'no server has a channel elsewhere'], sent]);
  });
});

describe('a try of a channel', () => {
  test('sends one message at once, says what became of it, and is on record', async () => {
    const world = await told();
    const tried = await tryChannel(world.parts, { caller, channel: 'ops', signal: quiet });
    expect(tried).toMatchObject({ channel: 'ops', type: 'kept', delivery: { isTaken: true } });
    expect(world.ops.sent).toMatchObject([{ id: tried.id, words: { event: 'test' } }]);
    world.ops.delivery = never('example.com answered 404');
    const again = await tryChannel(world.parts, { caller, channel: 'ops', signal: quiet });
    expect(again.delivery).toMatchObject({ isTaken: false, why: 'example.com answered 404' });
    expect(await world.notifications()).toEqual([]);
    const entries = await world.store.ledger({}, { limit: 10 });
    const kinds = entries.map(({ kind, details }) => [kind, details.isTaken]);
    expect(kinds).toContainEqual(['notification.tried', true]);
    expect(kinds).toContainEqual(['notification.tried', false]);
  });

  test('of a channel that is not there names those that are', async () => {
    const world = await told();
    await expect(tryChannel(world.parts, { caller, channel: 'opps', signal: quiet })).rejects.toMatchObject({
      code: 'KERUTA_ERR_CHANNEL_NOT_FOUND',
      message: expect.stringContaining('it has ops'),
    });
  });

  test('and the list of messages are not for a token that is bound to a session', async () => {
    const world = await told();
    const bound = { ...caller, scope: 'session' as const, sessionId: 'x' };
    const list = listNotifications(world.parts, { caller: bound, limit: 1, offset: 0 });
    await expect(list).rejects.toMatchObject({ kind: 'denied' });
  });
});
