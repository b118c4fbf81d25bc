import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OccurrenceWire } from '../../internal/api/workflow-shapes.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { openPostgres } from '../../pkg/postgres/postgres.ts';
import { deliverTo, everySeconds, firingEnv, hookNamed } from '../faults/lab/firing.ts';
import { makePlace, type RunningServer, until } from './place.ts';

/** A server that outgrew its SQLite. Needs KERUTA_TEST_POSTGRES_URL, in which it makes a database of its own. */
const sharedUrl = process.env.KERUTA_TEST_POSTGRES_URL ?? '';

describe.skipIf(sharedUrl === '')('keruta db migrate --to', () => {
  const place = makePlace('move');
  const database = `move_${process.pid}_${Date.now()}`;
  const url = new URL(sharedUrl || 'postgres://none/');
  url.pathname = `/${database}`;
  const administer = async (statement: string) => {
    const parts = { schema: 'public', clock: systemClock, onFault: () => {} };
    const postgres = await openPostgres({ url: sharedUrl, ...parts });
    await postgres.query(statement).finally(() => postgres.close());
  };
  beforeAll(() => administer(`CREATE DATABASE "${database}"`));
  afterAll(async () => {
    await place.close();
    await administer(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
  });

  const start = (port: number, words: readonly string[] = []) =>
    place.server(words, { port, env: { ...place.env, ...firingEnv } });

  /** Everything that fell due of a workflow, oldest first. */
  async function record(workflow: string): Promise<OccurrenceWire[]> {
    const rows: OccurrenceWire[] = [];
    for (let isMore = true; isMore; ) {
      const query = `limit=100&offset=${rows.length}`;
      const page = await place.api<OccurrenceWire[]>('GET', `/workflows/${workflow}/occurrences?${query}`);
      // what comes between two pages moves the rest
      rows.push(...page.filter(({ id }) => rows.every((row) => row.id !== id)));
      isMore = page.length === 100;
    }
    return rows.toReversed();
  }

  /** @returns what the sender is told */
  async function deliver({ url: address }: RunningServer, workflow: string, id: string) {
    const { httpStatus, answer, text } = await deliverTo(address, { workflow, id, timeoutMs: 15_000 });
    return { httpStatus, taskId: answer?.taskId ?? null, text };
  }

  test('moves everything to PostgreSQL: what was there is there, a repeated delivery is known, a limit holds, no instant is doubled or left out, and the run under way goes on', async () => {
    const first = await start(0);
    const session = await place.session('moved');
    const agent = await place.daemon(session);
    const big = 'head -c 300000 /dev/urandom | tee "$KERUTA_ARTIFACTS_DIR/random.bin" | sha256sum; exit 3';
    const ended = await place.submit(session, `${big}`);
    const before = await place.whole(ended);
    const log = await place.logs(ended);
    for (const workflow of ['hooked', 'limited'])
      await place.api('POST', '/workflows', {
        ...{ name: workflow, run: 'true', triggers: [hookNamed('hook')] },
        ...(workflow === 'limited' ? { policy: { maxRunsPerDay: 1 } } : {}),
      });
    const ticks = { run: 'true', overlap: 'allow', catchUp: 'all', triggers: [everySeconds(1_000)] };
    await place.api('POST', '/workflows', { name: 'ticks', ...ticks });
    const delivered = await deliver(first, 'hooked', 'd1');
    expect(delivered).toMatchObject({ httpStatus: 202 });
    expect(await deliver(first, 'limited', 'l1')).toMatchObject({ httpStatus: 202 });
    await until('it ticks', async () => (await record('ticks')).length > 2);
    const go = place.path('go');
    const running = await place.submit(
      session,
      `echo one; while [ ! -e ${go} ]; do sleep 0.05; done; echo two; exit 9`,
    );
    await until('it runs', async () => (await place.logs(running)) === 'one\n');
    const ticked = await record('ticks');
    // what is due next goes on with time, and is compared by what is on record in the end
    const definitions = async () =>
      JSON.stringify(await place.api('GET', '/workflows')).replaceAll(/"nextAt":"[^"]+"/g, '"nextAt":"…"');
    const workflows = await definitions();
    await first.stop();

    const words = ['db', 'migrate', '--data-dir', place.path('server'), '--to', url.href];
    const moved = await place.keruta(words, { timeoutMs: 60_000 });
    expect(moved).toMatchObject({ status: 0, stderr: '' });
    expect(moved.stdout).toMatch(/^copied and compared: \d+ rows of \d+ tables, \d+ files with \d+ bytes\n$/);
    expect(await place.keruta(words)).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('already'),
    });

    // the same tokens, as it is told; the agent looks for the server where it was
    const second = await start(first.port, ['--database-url', url.href]);
    expect(await place.task(ended)).toEqual(before);
    expect(await place.logs(ended)).toBe(log);
    const [artifact] = await place.artifacts(ended);
    const content = `/api/v1/tasks/${ended}/artifacts/${artifact?.id}/content`;
    const authorization = `Bearer ${place.env.KERUTA_API_TOKEN}`;
    const bytes = await fetch(`${second.url}${content}`, { headers: { authorization } });
    const sum = createHash('sha256')
      .update(await bytes.bytes())
      .digest('hex');
    expect(log).toContain(sum);
    expect(await definitions()).toBe(workflows);
    const { taskId } = delivered;
    expect(await deliver(second, 'hooked', 'd1')).toMatchObject({ httpStatus: 200, taskId });
    const again = await deliver(second, 'hooked', 'd2');
    expect(again).toMatchObject({ httpStatus: 202 });
    expect(again.taskId).not.toBe(taskId);
    await deliver(second, 'limited', 'l2');
    expect((await record('limited')).map(({ decision, reason }) => `${decision} ${reason}`)).toEqual([
      'run event',
      'skipped run_limit',
    ]);
    place.file('go', '');
    expect(await place.whole(running, 60_000)).toMatchObject({ status: 'FAILED', exitCode: 9, attempt: 1 });
    expect(await place.logs(running)).toBe('one\ntwo\n');
    expect(await place.submit(session, 'exit 5').then((id) => place.whole(id))).toMatchObject({
      exitCode: 5,
    });
    const last = Date.now();
    const at = ({ nominalAt }: OccurrenceWire) => Date.parse(nominalAt);
    await until('it ticks on', async () => (await record('ticks')).some((row) => at(row) > last));
    const all = await record('ticks');
    expect(all.slice(0, ticked.length)).toEqual(ticked);
    expect(all.map(at)).toEqual(all.map((_, n) => at(all[0]!) + n * 1_000));
    expect(all.every(({ decision, taskId: id }) => decision === 'run' && id !== null)).toBe(true);
    expect(new Set(all.map((row) => row.taskId)).size).toBe(all.length);
    await agent.stop();
  }, 170_000);
});
