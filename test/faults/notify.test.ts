import { expect, onTestFinished, test } from 'vitest';
import type { NotificationWire } from '../../internal/api/notification-shapes.ts';
import { makePlace } from '../e2e/place.ts';
import { startFakeServer } from '../fake-server/fake-server.ts';
import { faultyExecutable } from './lab/lab.ts';
import { tally } from './lab/rounds.ts';

test('G-03: a server that is killed between sending a message and writing it down sends it again, under the same id', async () => {
  const place = makePlace('notify-kill', faultyExecutable);
  const web = await startFakeServer();
  onTestFinished(async () => {
    await place.close();
    await web.close();
  });
  web.route('POST', '/pager', { status: 200 });
  const channels = `channels:\n  pager: { type: webhook, url: "${web.url}/pager", secretEnv: PAGER_KEY }\n`;
  const env = {
    ...{ KERUTA_NOTIFY_FILE: place.file('channels.yaml', channels), KERUTA_NOTIFY_ALLOW: '127.0.0.1' },
    PAGER_KEY: 'a key',
  };
  const dying = await place.server([], {
    env: { ...place.env, ...env, KERUTA_FAILPOINT: 'before_notify_mark:kill' },
  });
  const session = await place.session('dying');
  const id = await place.submit(session, 'exit 1');
  await place.api('PUT', `/tasks/${id}/status`, { status: 'PROCESSING' });
  await place.api('PUT', `/tasks/${id}/status`, { status: 'FAILED', message: 'no' }).catch(() => {});
  expect(await dying.ended).toMatchObject({ signal: 'SIGKILL' });
  expect(web.requests).toHaveLength(1);
  await place.server([], { env: { ...place.env, ...env }, port: dying.port });
  const states = async () =>
    (await place.json<NotificationWire[]>('notify', 'list', '--all')).map(({ state, tries }) => [
      state,
      tries,
    ]);
  await expect.poll(states, { timeout: 60_000 }).toEqual([['sent', 2]]);
  const ids = web.requests.map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
  tally({ row: 'G-03', rounds: 1, note: 'notification' });
}, 120_000);
