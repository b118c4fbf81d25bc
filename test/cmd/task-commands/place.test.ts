import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useServer } from '../server-in-home.ts';

const place = useServer();

test('outside of a run, with nothing configured, a task command finds the server of its machine as other commands do', async () => {
  const { id } = await place.api().sessions.create({ name: 'spoken' });
  const task = await place.api().tasks.create({ sessionId: id, name: 't', script: 'true' });
  const said = await place.keruta(['log', 'INFO', 'from outside', '--task-id', task.id]);
  expect(said).toMatchObject({ status: 0, err: '' });
  expect((await place.keruta(['task', 'logs', task.id, '--structured'])).out).toContain('from outside');
  expect(existsSync(join(place.home, '.keruta/spool'))).toBe(false);
});
