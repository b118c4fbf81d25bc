import { describe, expect, test } from 'vitest';
import { canLimit } from '../../pkg/process/control-group.ts';
import { useUpHere } from './up-in-home.ts';

const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 50 };

/** Where this user may make control groups. */
describe.skipIf(!canLimit('test', limits))('an agent whose scripts have limits', () => {
  const place = useUpHere({
    KERUTA_LIMITS_MEMORY: '64MB',
    KERUTA_LIMITS_CPUS: '1',
    KERUTA_LIMITS_PROCESSES: '50',
    KERUTA_LIMITS_FILES: '99',
  });

  test('runs a task within them', async () => {
    const { status, out } = await place.keruta(['run', '-c', 'ulimit -n; exit 3', '--quiet']);
    expect([status, out]).toEqual([3, '99\n']);
  });

  test('says that a script took more memory than it may', async () => {
    const script = '#!/bin/bash\nx=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done';
    expect((await place.keruta(['run', '-c', script, '--quiet'])).status).not.toBe(0);
    const { out } = await place.keruta(['task', 'list', '--json']);
    const tasks = JSON.parse(out) as { id: string }[];
    const shown = await Promise.all(tasks.map(({ id }) => place.keruta(['task', 'show', id, '--json'])));
    expect(shown.map((one) => (JSON.parse(one.out) as { reason: string | null }).reason)).toContain('oom');
  });
});
