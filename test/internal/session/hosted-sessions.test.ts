import { expect, test } from 'vitest';
import { applyWorkflow, deleteWorkflow } from '../../../internal/session/apply-workflow.ts';
import { deleteSession, setSessionStatus } from '../../../internal/session/edit-session.ts';
import { HostedSessions } from '../../../internal/session/hosted-sessions.ts';
import { sessionsWithWork } from '../../../internal/session/sessions-with-work.ts';
import { caller, makeWorld, sessionId } from './claims-world.ts';

async function world() {
  const made = await makeWorld();
  const { parts, store } = made;
  let reads = 0;
  const counting = {
    ...store,
    workflows: () => {
      reads++;
      return store.workflows();
    },
  };
  const hosted = new HostedSessions({ ...parts, store: counting });
  const apply = (name: string, more: object = {}) =>
    applyWorkflow(parts, { caller, owner: 'api', value: { name, run: 'true', triggers: [], ...more } });
  const named = async () => {
    const found = [];
    for (const { id, watchesFiles } of await hosted.current())
      found.push(`${(await store.session(id))?.name}${watchesFiles ? ' watches' : ''}`);
    return found.sort();
  };
  return { ...made, apply, named, reads: () => reads };
}

const file = { type: 'file', path: '/srv/in' };

test('each session that an enabled workflow names is hosted once, and it is told which watch files', async () => {
  const { apply, named } = await world();
  await apply('a');
  await apply('b', { session: 'shared' });
  await apply('c', { session: 'shared', triggers: [file] });
  await apply('d', { triggers: [{ ...file, enabled: false }] });
  await apply('off', { enabled: false, triggers: [file] });
  expect(await named()).toEqual(['a', 'd', 'shared watches']);
});

test('what changes is seen at once, and what does not is not read again', async () => {
  const { apply, named, parts, store, reads, clock } = await world();
  await apply('a');
  await apply('b');
  expect(await named()).toEqual(['a', 'b']);
  const before = reads();
  expect(await named()).toEqual(['a', 'b']);
  expect(reads()).toBe(before);
  await deleteWorkflow(parts, { caller, name: 'a' });
  expect(await named()).toEqual(['b']);
  // a session that somebody removed or closed takes no agent, and keeps none from the others
  await apply('c');
  await apply('d');
  const idOf = async (name: string) => (await store.sessionByName(name))?.id ?? '';
  await deleteSession(parts, { caller, sessionId: await idOf('b') });
  await setSessionStatus(parts, { caller, sessionId: await idOf('c') }, 'COMPLETED');
  clock.advance(60_000);
  expect(await named()).toEqual(['d']);
});

test('sessions with work are found among thousands', async () => {
  const { parts, addTask } = await world();
  await addTask();
  const many = Array.from({ length: 2_500 }, (_, n) => `none-${n}`);
  expect(await sessionsWithWork(parts, [...many, sessionId])).toEqual(new Set([sessionId]));
  expect(await sessionsWithWork(parts, [])).toEqual(new Set());
});
