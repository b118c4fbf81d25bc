import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useUpHere } from '../cmd/up-in-home.ts';
import { engineHost, image } from '../internal/executor/docker-engine.ts';

describe.skipIf(engineHost === null)('examples/docker', () => {
  const place = useUpHere({
    KERUTA_CONFIG: join(import.meta.dirname, '../../examples/docker/config.yaml'),
    KERUTA_DOCKER_HOST: engineHost ?? '',
    // the one of the example is not there without a network
    KERUTA_DOCKER_IMAGE: image,
  });

  test('has scripts run in containers that read one directory of the machine', async () => {
    const script =
      '[ -d /data/share/doc ] && echo there; : >/data/share/x || echo read-only; ls /sys/class/net';
    const { status, out } = await place.keruta(['run', '-c', script, '--quiet']);
    expect([status, out]).toEqual([0, 'there\nread-only\nlo\n']);
  });
});
