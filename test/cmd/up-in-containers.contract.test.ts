import { describe, expect, test } from 'vitest';
import { Engine } from '../../pkg/docker/engine.ts';
import { parseEngineAddress } from '../../pkg/docker/engine-address.ts';
import { engineHost, image } from '../internal/executor/docker-engine.ts';
import { useUpHere } from './up-in-home.ts';

describe.skipIf(engineHost === null)('an agent whose scripts run in containers', () => {
  const settings = {
    KERUTA_EXECUTOR: 'docker',
    KERUTA_DOCKER_HOST: engineHost ?? '',
    KERUTA_DOCKER_IMAGE: image,
    KERUTA_DOCKER_MEMORY: '64MB',
  };
  const place = useUpHere(settings);

  test('runs a task with the files of the image, and hears what it says of itself', async () => {
    const script =
      'echo "$IMAGE_SAYS"; ls -d /home || echo none; keruta progress 40 --message half; keruta fail --message no --error-code E1';
    const { status, out } = await place.keruta(['run', '-c', script, '--quiet']);
    expect([status, out]).toEqual([1, 'hello\nnone\n']);
    const { out: list } = await place.keruta(['task', 'list', '--json']);
    const [task] = JSON.parse(list) as { id: string }[];
    const { out: shown } = await place.keruta(['task', 'show', task?.id ?? '', '--json']);
    expect(JSON.parse(shown)).toMatchObject({ status: 'FAILED', message: 'no', errorCode: 'E1' });
    const engine = new Engine(parseEngineAddress(engineHost ?? ''));
    expect(await engine.list('keruta.agent', `${place.home}/.keruta`)).toEqual([]);
  });

  test('says that a script took more memory than it may', async () => {
    const script = '#!/bin/bash\nx=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done';
    expect((await place.keruta(['run', '-c', script, '--quiet'])).status).not.toBe(0);
    const { out } = await place.keruta(['task', 'list', '--json']);
    const tasks = JSON.parse(out) as { id: string; createdAt: number }[];
    const shown = await Promise.all(tasks.map(({ id }) => place.keruta(['task', 'show', id, '--json'])));
    expect(shown.map((one) => (JSON.parse(one.out) as { reason: string | null }).reason)).toContain('oom');
  });

  test('doctor says that the engine answers and has the image', async () => {
    const { out } = await place.keruta(['doctor'], { env: { PATH: process.env.PATH ?? '', ...settings } });
    expect(out).toMatch(
      /container-engine +ok +the engine at .* answers \(API 1\.\d+\) and has keruta-test:tools/,
    );
  });
});
