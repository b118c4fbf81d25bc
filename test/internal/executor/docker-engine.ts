/** The real container engine that contract tests run on: started by scripts/docker-engine.sh. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDockerExecutor } from '../../../internal/executor/docker/docker-executor.ts';
import type { DockerOptions } from '../../../internal/executor/docker/docker-options.ts';
import { ImagePrograms } from '../../../internal/executor/docker/image-programs.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { Engine } from '../../../pkg/docker/engine.ts';
import { parseEngineAddress } from '../../../pkg/docker/engine-address.ts';
import { silentLog } from '../../../pkg/log/log.ts';

/** Address of the engine; null: there is none here. */
export const engineHost = process.env.KERUTA_TEST_DOCKER_HOST || null;

/** An image with bash and a few programs, and one without a shell; scripts/docker-engine.sh makes them. */
export const [image, bareImage] = ['keruta-test:tools', 'keruta-test:bare'];

/** Known from one test to the next: a look takes a while, and images do not change here. */
const programs = new ImagePrograms();

/** A base directory of its own, an executor for it, and the end of all that was started there. */
export function dockerPlace(more: Partial<DockerOptions> = {}) {
  const base = mkdtempSync(join(tmpdir(), 'executor-docker-'));
  const address = parseEngineAddress(engineHost ?? '');
  const engine = new Engine(address);
  return {
    base,
    engine,
    makeExecutor: (other: Partial<DockerOptions> = {}) =>
      makeDockerExecutor({
        clock: systemClock,
        log: silentLog,
        address,
        baseDirectory: base,
        image,
        programs,
        ...more,
        ...other,
      }),
    dispose: async () => {
      for (const { id } of await engine.list('keruta.agent', base)) await engine.remove(id);
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
