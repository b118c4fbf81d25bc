import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heldUp } from '../faults/lab/starvation.ts';
import { makePlace, until } from './place.ts';

/** The ways in which a task can end, and `keruta run`, which ends as its task does. */
const place = makePlace('ends');
let session = '';

beforeAll(async () => {
  await place.server();
  session = await place.session('ends');
  place.env = { ...place.env, KERUTA_SESSION_ID: session };
  await place.daemon(session, ['--cancel-grace', '10s']);
});
afterAll(() => place.close());

const running = (id: string) => place.when(id, (task) => task.status === 'PROCESSING');

describe('a task', () => {
  test('that is cancelled while it waits never runs', async () => {
    const first = await place.submit(session, 'sleep 30');
    await running(first);
    const second = await place.submit(session, 'echo ran');
    expect(await place.keruta(['task', 'cancel', second])).toMatchObject({ status: 0 });
    expect(await place.ended(second)).toMatchObject({ status: 'CANCELLED', attempt: 0 });
    expect(await place.keruta(['task', 'cancel', first])).toMatchObject({ status: 0 });
    expect(await place.ended(first)).toMatchObject({ status: 'CANCELLED', reason: 'cancel' });
    expect(await place.logs(second)).toBe('');
  });

  test('that is cancelled may end by itself within the grace, and what it says then arrives', async () => {
    const id = await place.submit(
      session,
      'trap "echo tidy; exit 5" TERM; echo up; while :; do sleep 0.05; done',
    );
    await until('it is up', async () => (await place.logs(id)) === 'up\n');
    await place.keruta(['task', 'cancel', id]);
    expect(await place.whole(id)).toMatchObject({ status: 'CANCELLED', reason: 'cancel', exitCode: 5 });
    expect(await place.logs(id, 'stdout')).toBe('up\ntidy\n');
  });

  test('that runs for longer than its timeout is ended, and says so', async () => {
    const held = heldUp();
    const id = await place.submit(session, 'echo begun; sleep 30', { timeoutSeconds: 1 });
    const task = await place.whole(id);
    expect(task).toMatchObject({
      status: 'FAILED',
      reason: 'timeout',
      errorCode: 'TIMEOUT',
      logComplete: true,
    });
    const ranMs = Date.parse(task.finishedAt ?? '') - Date.parse(task.startedAt ?? '');
    expect(ranMs).toBeGreaterThan(900);
    expect(task.usage?.durationMs).toBeLessThan(5000 + held());
    expect(await place.logs(id)).toBe('begun\n');
  });

  test('that is silent for longer than it may be is ended; one that speaks is not', async () => {
    const silent = await place.submit(session, 'echo once; sleep 30', { noOutputTimeoutSeconds: 1 });
    expect(await place.ended(silent)).toMatchObject({ status: 'FAILED', reason: 'no_output_timeout' });
    const speaks = 'for i in $(seq 16); do echo $i; sleep 0.25; done';
    const speaking = await place.submit(session, speaks, { noOutputTimeoutSeconds: 3 });
    expect(await place.ended(speaking)).toMatchObject({ status: 'COMPLETED', exitCode: 0 });
  });

  test('that fails is tried again as often as it wishes, each time as a new attempt', async () => {
    const count = place.path('count');
    const script = `echo x >> ${count}; echo "attempt $KERUTA_ATTEMPT"; [ "$(wc -l < ${count})" -ge 3 ]`;
    const id = await place.submit(session, script, { retryCount: 5 });
    const task = await place.when(id, ({ status, logComplete }) => status === 'COMPLETED' && logComplete);
    expect(task).toMatchObject({ attempt: 3, retriesUsed: 2, exitCode: 0 });
    expect(await place.logs(id)).toContain('attempt 3\n');
  });

  test('that goes on failing ends as failed when its retries are used up', async () => {
    const id = await place.submit(session, 'exit 9', { retryCount: 1 });
    const task = await place.when(id, ({ status, retriesUsed }) => status === 'FAILED' && retriesUsed === 1);
    expect(task).toMatchObject({ attempt: 2, exitCode: 9 });
    // a person may always ask for one more
    expect(await place.keruta(['task', 'retry', id])).toMatchObject({ status: 0 });
    expect(await place.when(id, ({ attempt, status }) => attempt === 3 && status === 'FAILED')).toMatchObject(
      {
        exitCode: 9,
      },
    );
  });

  test('that fails leaves its artifacts all the same', async () => {
    const script = `mkdir -p "$KERUTA_ARTIFACTS_DIR/sub"
printf 12345 > "$KERUTA_ARTIFACTS_DIR/sub/of failure.bin"
echo added > elsewhere.txt; keruta artifact add elsewhere.txt --description "by hand"; rm elsewhere.txt
exit 4`;
    const id = await place.submit(session, script);
    expect(await place.whole(id)).toMatchObject({ status: 'FAILED', exitCode: 4 });
    const found = (await place.artifacts(id)).map(({ path, size }) => `${path} ${size}`).sort();
    expect(found).toEqual(['elsewhere.txt 6', 'sub/of failure.bin 5']);
    const got = await place.keruta(['artifact', 'get', id, 'sub/of failure.bin', '--output', '-']);
    expect(got).toMatchObject({ status: 0, stdout: '12345' });
  });

  test('of a higher priority runs first, then the older one', async () => {
    const blocker = await place.submit(session, `while [ ! -e ${place.path('go')} ]; do sleep 0.02; done`);
    await running(blocker);
    const order = place.path('order');
    const made = [];
    for (const [name, priority] of [
      ['low', 0],
      ['later', 0],
      ['high', 5],
    ] as const)
      made.push(await place.submit(session, `echo ${name} >> ${order}`, { priority }));
    place.file('go', '');
    for (const id of made) await place.ended(id);
    expect((await place.bash(`cat ${order}`)).stdout).toBe('high\nlow\nlater\n');
  });
});

describe('keruta run', () => {
  test.each([
    ['the script’s status', 'exit 42', 42],
    ['128 and the signal that ended it', 'kill -9 $$', 137],
    ['0 for a success', 'true', 0],
    ['1 for a task that declared a failure and ended with 0', 'keruta fail --message "not good"', 1],
  ])('exits with %s', async (_what, script, status) => {
    const run = await place.keruta(['run', '-c', script, '--no-auto-fix']);
    expect(run).toMatchObject({ status, stdout: '' });
  });

  test('keeps stdout and stderr apart, byte for byte', async () => {
    const script = 'printf "no end of line"; printf "\\303\\274 %s\\n" err >&2';
    const run = await place.keruta(['run', '-c', script, '--quiet']);
    expect(run).toMatchObject({ status: 0, stdout: 'no end of line', stderr: 'ü err\n' });
  });

  test('reads its script from a file or from stdin, with parameters', async () => {
    const file = place.file('say.sh', '#!/bin/sh\necho "$KERUTA_PARAM_WHO $1$0" | cut -c1-5\n');
    expect(await place.keruta(['run', file, '--param', 'who=world'])).toMatchObject({
      status: 0,
      stdout: 'world\n',
    });
    const run = await place.keruta(['run', '-'], { input: 'echo from stdin' });
    expect(run).toMatchObject({ status: 0, stdout: 'from stdin\n' });
  });

  test('cancels the task on Ctrl-C and exits with 130', async () => {
    const words = ['run', '-c', 'echo up; sleep 30', '--name', 'interrupted'];
    const run = place.start(place.executable, words);
    await until('it is up', () => run.stdout() === 'up\n');
    expect(await run.stop('SIGINT')).toMatchObject({ status: 130 });
    const tasks = await place.json<{ name: string; status: string }[]>('task', 'list');
    expect(tasks.find(({ name }) => name === 'interrupted')).toMatchObject({ status: 'CANCELLED' });
  });

  test('exits with 125 when keruta itself fails', async () => {
    const env = { ...place.env, KERUTA_API_URL: 'http://127.0.0.1:1', KERUTA_RETRY_COUNT: '0' };
    const run = await place.keruta(['run', '-c', 'true'], { env });
    expect(run).toMatchObject({ status: 125, stdout: '', stderr: expect.stringContaining('127.0.0.1:1') });
    const unknown = await place.keruta(['run', '-c', 'true', '--session', 'no such session']);
    expect(unknown).toMatchObject({ status: 125, stderr: expect.stringContaining('no such session') });
    expect(await place.keruta(['run', '-c', 'true', '--timeout', '3 parsecs'])).toMatchObject({
      status: 125,
    });
  });

  test('inside a task of the same session is refused, for it would wait for itself', async () => {
    const run = await place.keruta(['run', '-c', 'keruta run -c true; echo "status $?"', '--no-auto-fix']);
    expect(run).toMatchObject({ status: 0, stdout: 'status 125\n' });
    expect(run.stderr).toMatch(/wait for itself.*keruta task add/);
  });
});
