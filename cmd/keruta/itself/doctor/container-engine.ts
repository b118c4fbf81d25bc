import { EngineError } from '../../../../pkg/docker/ask-engine.ts';
import { Engine } from '../../../../pkg/docker/engine.ts';
import { readAddress } from '../../roles/executor-of.ts';
import { fail, ok, settingsCheck, skipped } from './check.ts';

/** Whether the container engine answers and has the image, where scripts run in containers. */
export const containerEngineCheck = settingsCheck('container-engine', async (_parts, { values }) => {
  if (values.executor !== 'docker') return skipped('scripts run without containers');
  const engine = new Engine(readAddress(values.dockerHost));
  const image = values.dockerImage;
  try {
    const version = await engine.version();
    if (image === null) return fail('no image is set', 'set docker.image, such as debian:bookworm-slim');
    const here = `the engine at ${engine.address.text} answers (API ${version})`;
    if ((await engine.inspectImage(image)) !== null) return ok(`${here} and has ${image}`);
    if (values.dockerPull) return ok(`${here}; ${image} is pulled by the first task`);
    return fail(`${here}, and has no ${image}`, `run docker -H ${engine.address.text} pull ${image}`);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const advice =
      error.kind === 'denied'
        ? 'put your user into the group of the socket'
        : 'start the engine, or set DOCKER_HOST';
    return fail(error.message, advice);
  }
});
