import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { FileEvent, FileEventsAnswer } from '../../../../internal/api/watch-shapes.ts';
import { InputError, NotFoundError, UnavailableError } from '../../../../internal/domain/errors.ts';
import { Journal } from '../../../../internal/worker/watch/journal.ts';
import { Outbox } from '../../../../internal/worker/watch/outbox.ts';
import { systemClock } from '../../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../../pkg/log/log.ts';
import { systemRandom } from '../../../../pkg/random/random.ts';
import { change, ran } from './samples.ts';

const patient = { timeout: 15_000, interval: 10 };
const answer = (events: readonly FileEvent[]): FileEventsAnswer => ({ results: events.map(() => ran) });

/** An outbox of `count` events, of which all were handed in when this returns. */
async function emptied(count: number, fire: (events: readonly FileEvent[]) => Promise<FileEventsAnswer>) {
  const directory = mkdtempSync(join(tmpdir(), 'outbox-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'one.journal');
  const journal = new Journal(path, '/in');
  journal.keep({ at: 1, events: Array.from({ length: count }, (_, n) => ({ changes: [change(`${n}`)] })) });
  const over = new AbortController();
  const outbox = new Outbox({
    ...{ clock: systemClock, random: systemRandom, log: silentLog, journal, root: '/in' },
    fire,
    onRoom: () => {},
  });
  const done = outbox.run(over.signal);
  await vi.waitFor(() => expect(journal.unsent).toEqual([]), patient);
  over.abort();
  await done;
  expect(new Journal(path, '/in').unsent).toEqual([]);
  return outbox;
}

const namesOf = (events: readonly FileEvent[]) => events.map(({ changes }) => changes[0]?.path);

test('events are handed in together, in their order, and what the server did not take comes again', async () => {
  const calls: (string | undefined)[][] = [];
  await emptied(450, async (events) => {
    calls.push(namesOf(events));
    return { results: answer(events).results.slice(0, calls.length === 1 ? 5 : 200) };
  });
  expect(calls.map(({ length }) => length)).toEqual([200, 200, 200, 45]);
  expect(calls[1]?.[0]).toBe('5');
});

test('a server that is away, or has no room, is tried again', async () => {
  let calls = 0;
  const outbox = await emptied(1, async (events) => {
    if (++calls < 3) throw new UnavailableError('KERUTA_ERR_QUEUE_FULL', 'full');
    return answer(events);
  });
  expect(calls).toBe(3);
  expect(outbox).toMatchObject({ taken: 1, lastError: null });
});

test('what belongs to a trigger that was deleted is left', async () => {
  const outbox = await emptied(300, async () => {
    throw new NotFoundError('KERUTA_ERR_TRIGGER_NOT_FOUND', 'gone');
  });
  expect(outbox.taken).toBe(0);
});

test('an event that the server refuses for good holds up none of the others', async () => {
  const taken: (string | undefined)[] = [];
  await emptied(7, async (events) => {
    if (namesOf(events).includes('4')) throw new InputError('KERUTA_ERR_BAD_BODY', 'a bad one');
    taken.push(...namesOf(events));
    return answer(events);
  });
  expect(taken).toEqual(['0', '1', '2', '3', '5', '6']);
});
