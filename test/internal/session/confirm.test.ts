import { describe, expect, test } from 'vitest';
import { applyWorkflow } from '../../../internal/session/apply-workflow.ts';
import { confirmationMs } from '../../../internal/session/fire-confirm.ts';
import { askToFire, type FireWish, fireNow } from '../../../internal/session/trigger-verbs.ts';
import { caller, coded, makeWorld } from './claims-world.ts';

async function world(spec: object = { confirm: true }) {
  const made = await makeWorld();
  const value = { name: 'w', run: 'true', overlap: 'allow', triggers: [{ type: 'manual', ...spec }] };
  await applyWorkflow(made.parts, { caller, owner: 'api', value });
  const wish = (more: Partial<FireWish> = {}) => ({ caller, workflow: 'w', ...more });
  const ask = async (more: Partial<FireWish> = {}) => {
    const asked = await askToFire(made.parts, wish(more));
    if (asked === null) throw new Error('it wants none');
    return asked.token;
  };
  const fire = (more: Partial<FireWish>) => fireNow(made.parts, wish(more));
  return { ...made, ask, fire, wish };
}

describe('a manual trigger with confirm', () => {
  test('fires at the second call, with the token of the first', async () => {
    const { ask, fire, store } = await world();
    const confirmation = await ask({ parameters: { a: 1, b: { c: 2, d: 3 } } });
    expect(await store.occurrences({}, { limit: 9, offset: 0 })).toEqual([]);
    const fired = await fire({ confirmation, parameters: { b: { d: 3, c: 2 }, a: 1 } });
    expect(fired).toMatchObject({ isNew: true, task: { parameters: { a: 1 } } });
    expect((await store.ledger({}, { limit: 9 })).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['trigger.asked', 'trigger.fired']),
    );
  });

  test('takes a token once, whatever key comes with it; the same call told twice is one fire', async () => {
    const { ask, fire } = await world();
    const confirmation = await ask();
    const first = await fire({ confirmation, key: 'k' });
    expect(await fire({ confirmation, key: 'k' })).toMatchObject({
      isNew: false,
      task: { id: first.task?.id },
    });
    await expect(fire({ confirmation, key: 'other' })).rejects.toMatchObject(coded('CONFIRMATION_USED'));
  });

  test.each<[string, Partial<FireWish>]>([
    ['other parameters', { parameters: { a: 2 } }],
    ['no parameters', { parameters: {} }],
    ['another instant', { parameters: { a: 1 }, at: 5 }],
    ['force', { parameters: { a: 1 }, isForced: true }],
    ['another caller', { parameters: { a: 1 }, caller: { ...caller, actor: 'somebody' } }],
    ['another token', { parameters: { a: 1 }, confirmation: 'confirm_x' }],
  ])('refuses a token with %s, and does not use it up', async (_what, more) => {
    const { ask, fire } = await world();
    const confirmation = await ask({ parameters: { a: 1 } });
    await expect(fire({ confirmation, ...more })).rejects.toMatchObject(coded('CONFIRMATION_MISMATCH'));
    expect((await fire({ confirmation, parameters: { a: 1 } })).isNew).toBe(true);
  });

  test('refuses a token of another trigger, and no token at all', async () => {
    const { ask, fire, parts } = await world();
    const value = { name: 'v', run: 'true', triggers: [{ type: 'manual', confirm: true }] };
    await applyWorkflow(parts, { caller, owner: 'api', value });
    const confirmation = await ask();
    await expect(fire({ confirmation, workflow: 'v' })).rejects.toMatchObject(coded('CONFIRMATION_MISMATCH'));
    await expect(fire({})).rejects.toMatchObject(coded('CONFIRMATION_MISMATCH'));
  });

  test('refuses a token after ten minutes, not before', async () => {
    const { ask, fire, clock } = await world();
    const [first, second] = [await ask(), await ask()];
    clock.jump(confirmationMs - 1);
    expect((await fire({ confirmation: first })).isNew).toBe(true);
    clock.jump(1);
    await expect(fire({ confirmation: second })).rejects.toMatchObject(coded('CONFIRMATION_EXPIRED'));
  });

  test('names missing parameters at the first call', async () => {
    const { ask } = await world({ confirm: true, required: ['who'] });
    await expect(ask()).rejects.toThrow('wants the parameters who');
  });

  test('keeps no token as it is', async () => {
    const { ask, store } = await world();
    const token = await ask();
    expect(await store.confirmation(token)).toBeNull();
  });
});

test('a trigger without confirm asks for none', async () => {
  const { parts, wish } = await world({});
  expect(await askToFire(parts, wish())).toBeNull();
});
