import { describe, test } from 'vitest';
import { dockerPlace, engineHost } from './docker-engine.ts';
import { executorContract } from './executor-contract.ts';

if (engineHost === null) {
  describe('the docker executor', () => {
    test.skip('needs KERUTA_TEST_DOCKER_HOST: source scripts/docker-engine.sh, start_docker', () => {});
  });
} else {
  executorContract('the docker executor', async () => dockerPlace());
}
