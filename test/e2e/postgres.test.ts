import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type RunningServer, until } from './place.ts';

/** Servers on PostgreSQL. Needs KERUTA_TEST_POSTGRES_URL, whose tables are shared with other tests: names are our own. */
const databaseUrl = process.env.KERUTA_TEST_POSTGRES_URL ?? '';

describe.skipIf(databaseUrl === '')('two servers on one PostgreSQL', () => {
  const place = makePlace('postgres');
  const name = (word: string) => `${word} ${process.pid} ${Date.now()}`;
  const servers: RunningServer[] = [];
  const token = `krt_adm_${'e2e'.repeat(12)}`;

  beforeAll(async () => {
    for (const data of ['one', 'two']) {
      const args = ['--database-url', databaseUrl, '--data-dir', place.path(data)];
      const env = { ...place.env, KERUTA_ADMIN_TOKEN: token };
      servers.push(await place.server(args, { env, token }));
    }
  });
  afterAll(() => place.close());

  const useServer = (which: 0 | 1) => place.use(servers[which]!.url, token);

  test('the main job runs end to end', async () => {
    useServer(0);
    const repositoryUrl = await place.repository('sample');
    const session = await place.session(name('main'), { repositoryUrl });
    const daemon = await place.daemon(session, ['--allow-local-git', '--base-dir', place.path('a')]);
    const script = `keruta progress 40 --message working; git log --format=%s; printf '\\0\\377'; echo err >&2
answer=$(keruta ask "Go?" --choices yes,no); echo "$answer"
head -c 3000000 /dev/urandom > "$KERUTA_ARTIFACTS_DIR/random.bin"; exit 3`;
    const id = await place.submit(session, script, { autoFix: true });
    await place.when(id, ({ status }) => status === 'WAITING_FOR_INPUT');
    expect(await place.keruta(['task', 'input', id, 'yes'])).toMatchObject({ status: 0 });
    expect(await place.whole(id)).toMatchObject({
      status: 'FAILED',
      exitCode: 3,
      progress: 40,
      logComplete: true,
    });
    expect((await place.logs(id, 'stdout')).startsWith('first\n\0')).toBe(true);
    expect(await place.logs(id, 'stderr')).toBe('err\n');
    expect(await place.artifacts(id)).toMatchObject([{ path: 'random.bin', size: 3_000_000 }]);
    const tasks = await place.api<{ id: string; parentTaskId: string | null }[]>(
      'GET',
      `/sessions/${session}/tasks`,
    );
    const fixes = tasks.filter(({ parentTaskId }) => parentTaskId === id);
    expect(fixes).toHaveLength(1);
    // it is the same script, which asks again
    expect(await place.keruta(['task', 'cancel', fixes[0]?.id ?? ''])).toMatchObject({ status: 0 });
    expect(await place.ended(fixes[0]?.id ?? '')).toMatchObject({ status: 'CANCELLED' });
    await daemon.stop();
  });

  test('a task that is submitted at one is run by an agent of the other, and followed live at the first', async () => {
    useServer(1);
    const session = await place.session(name('shared'));
    const daemon = await place.daemon(session, ['--base-dir', place.path('b')]);
    useServer(0);
    const go = place.path('go');
    const words = ['run', '-c', `echo one; while [ ! -e ${go} ]; do sleep 0.05; done; echo two; exit 9`];
    const run = place.start(place.executable, [...words, '--session', session, '--no-auto-fix', '--quiet']);
    await until('the first line is shown', () => run.stdout() === 'one\n');
    place.file('go', '');
    expect(await run.ended).toMatchObject({ status: 9, stdout: 'one\ntwo\n' });
    await daemon.stop();
  });

  test('when one is killed, the agent goes on at a server that takes its place', async () => {
    useServer(1);
    const session = await place.session(name('killed'));
    const daemon = await place.daemon(session, ['--base-dir', place.path('c')]);
    const go = place.path('go-killed');
    const lines = 'for i in $(seq 1 200); do echo "n $i"; sleep 0.01; done';
    const id = await place.submit(session, `${lines}; while [ ! -e ${go} ]; do sleep 0.05; done; exit 7`);
    await until('lines arrive', async () => (await place.logs(id)).length > 50);
    const { port } = servers[1]!;
    await servers[1]!.stop('SIGKILL');
    useServer(0);
    expect(await place.task(id)).toMatchObject({ status: 'PROCESSING' });
    const args = ['--database-url', databaseUrl, '--data-dir', place.path('two')];
    const env = { ...place.env, KERUTA_ADMIN_TOKEN: token };
    servers[1] = await place.server(args, { port, env, token });
    place.file('go-killed', '');
    expect(await place.whole(id)).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1 });
    expect(await place.logs(id)).toBe(Array.from({ length: 200 }, (_, n) => `n ${n + 1}\n`).join(''));
    await daemon.stop();
  });
});
