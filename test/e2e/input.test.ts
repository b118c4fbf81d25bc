import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { InputRequestWire } from '../../internal/api/shapes.ts';
import { makePlace, type Started, until } from './place.ts';

/** Scripts that need an answer from a person. */
const place = makePlace('input');
let session = '';
let daemon: Started;

beforeAll(async () => {
  await place.server();
  session = await place.session('input');
  place.env = { ...place.env, KERUTA_USE_HTTP_INPUT: 'true' };
  daemon = await place.daemon(session);
});
afterEach(() => place.quiet(session));
afterAll(() => place.close());

const waiting = (id: string) => place.when(id, ({ status }) => status === 'WAITING_FOR_INPUT');

describe('a script that reads its stdin', () => {
  test('makes the task wait, with its prompt, and goes on with the answer', async () => {
    const id = await place.submit(session, 'printf "Your name? "; read name; echo "hello $name"', {
      input: 'wait',
    });
    await waiting(id);
    expect(await questions(id)).toMatchObject([{ kind: 'stdin', prompt: 'Your name?', state: 'open' }]);
    expect(await place.keruta(['task', 'input', id, 'Jo Ann'])).toMatchObject({ status: 0, stderr: '' });
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
    expect(await place.logs(id, 'stdout')).toBe('Your name? hello Jo Ann\n');
  });

  test('can ask twice', async () => {
    const id = await place.submit(session, 'read a; read b; echo "$a-$b"', { input: 'wait' });
    await waiting(id);
    await place.keruta(['task', 'input', id, '-'], { input: 'one\n' });
    await until('it asks again', async () => (await questions(id))[1]?.state === 'open');
    await place.keruta(['task', 'input', id, 'two']);
    await place.whole(id);
    expect(await place.logs(id)).toBe('one-two\n');
  });

  test('finds it empty when the task takes no input', async () => {
    const id = await place.submit(session, 'read x; echo "status $? [$x]"', { input: 'none' });
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await place.logs(id)).toBe('status 1 []\n');
  });

  test('finds its end when nobody answers in time', async () => {
    const id = await place.submit(session, 'read x; echo "status $?"', {
      input: 'wait',
      inputTimeoutSeconds: 1,
    });
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await place.logs(id)).toBe('status 1\n');
  });
});

describe('keruta ask', () => {
  const ask = (words: string) => `answer=$(keruta ask ${words}); echo "status $? answer [$answer]"`;

  test('prints the answer that a person gives', async () => {
    const id = await place.submit(session, ask('"Deploy now?" --choices yes,no'));
    await waiting(id);
    const [question] = await questions(id);
    expect(question).toMatchObject({ prompt: 'Deploy now?', choices: ['yes', 'no'], state: 'open' });
    const shown = await place.keruta(['task', 'show', id]);
    expect(shown.stdout).toContain('Deploy now?');
    expect(await place.keruta(['task', 'input', id, 'yes'])).toMatchObject({ status: 0 });
    await place.whole(id);
    expect(await place.logs(id, 'stdout')).toBe('status 0 answer [yes]\n');
  });

  test('refuses an answer that is not among the choices', async () => {
    const id = await place.submit(session, ask('"Which?" --choices red,green'));
    await waiting(id);
    const refused = await place.keruta(['task', 'input', id, 'blue']);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('takes one of "red", "green"; got "blue"');
    await place.keruta(['task', 'input', id, 'green']);
    await place.whole(id);
    expect(await place.logs(id, 'stdout')).toBe('status 0 answer [green]\n');
  });

  test.each([
    [
      'takes the default when nobody answers in time',
      '"Go?" --timeout 1s --default no',
      'status 0 answer [no]\n',
    ],
    ['ends with 7 when nobody answers and there is no default', '"Go?" --timeout 1s', 'status 7 answer []\n'],
  ])('%s', async (_what, words, output) => {
    const id = await place.submit(session, ask(words));
    await place.whole(id);
    expect(await place.logs(id, 'stdout')).toBe(output);
  });

  test('does not show a secret answer anywhere', async () => {
    const secret = 'correct-horse-battery';
    const id = await place.submit(session, ask('"Password?" --secret'));
    await waiting(id);
    await place.keruta(['task', 'input', id, '-'], { input: secret });
    await place.whole(id);
    expect(await place.logs(id, 'stdout')).toBe(`status 0 answer [${'*'.repeat(secret.length)}]\n`);
    expect(JSON.stringify(await questions(id))).not.toContain(secret);
    expect(daemon.stderr()).not.toContain(secret);
  });

  test('goes on waiting when the agent is killed and started again', async () => {
    const id = await place.submit(session, ask('"Still there?"'));
    await waiting(id);
    await daemon.stop('SIGKILL');
    daemon = await place.daemon(session);
    await place.keruta(['task', 'input', id, 'yes']);
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(await place.logs(id, 'stdout')).toBe('status 0 answer [yes]\n');
  });
});

test('an answer may also come through the agent’s own address', async () => {
  const id = await place.submit(session, 'read x; echo "got $x"', { input: 'wait' });
  await waiting(id);
  const state = await place.json<{ url: string; localTokenFile: string }>('daemon', 'status');
  const token = await place.bash(`cat ${place.home}/.keruta/local.token`);
  const post = (authorization: string) =>
    fetch(`${state.url}/input`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ taskId: id, input: 'from here' }),
      signal: AbortSignal.timeout(5000),
    });
  expect((await post('Bearer wrong')).status).toBe(401);
  expect((await post(`Bearer ${token.stdout.trim()}`)).status).toBeLessThan(300);
  await place.whole(id);
  expect(await place.logs(id)).toBe('got from here\n');
});

function questions(id: string): Promise<InputRequestWire[]> {
  return place.api('GET', `/tasks/${id}/input-requests`);
}
