/** What a runner finds in its image, and what is added. */
import { realpathSync } from 'node:fs';
import type { Mount } from '../../../pkg/docker/container-body.ts';
import type { Engine, Image } from '../../../pkg/docker/engine.ts';
import { InputError } from '../../domain/errors.ts';
import { imageMissing } from '../../executor/docker/engine-faults.ts';
import { type ImageLook, ImagePrograms } from '../../executor/docker/image-programs.ts';
import { type DockerPlace, label, ownerText, volumesOf } from './docker-place.ts';

/** Programs of a runner, inside. */
export interface RunnerPrograms {
  readonly shell: string;
  readonly keruta: string;
  /** what the image lacks, and this machine has */
  readonly mounts: readonly Mount[];
}

const folders = ['/usr/local/bin', '/usr/bin', '/bin'];
/** Where an image without keruta finds it. */
const ownPlace = '/usr/local/bin/keruta';

/** Finds the image, and brings it when it is to be pulled. @throws {NotFoundError} KERUTA_ERR_IMAGE_MISSING */
export async function findImage({ image, pull, log }: DockerPlace, engine: Engine): Promise<Image> {
  const found = await engine.inspectImage(image);
  if (found !== null) return found;
  if (pull) {
    log.info('the image is being pulled', { image });
    await engine.pullImage(image);
  }
  const pulled = pull ? await engine.inspectImage(image) : null;
  if (pulled === null) throw imageMissing(image, engine);
  return pulled;
}

/** Finds what a runner needs in the image, in its volumes, or here. @throws {InputError} KERUTA_ERR_IMAGE_UNFIT */
export async function findPrograms(
  place: DockerPlace,
  engine: Engine,
  imageId: string,
): Promise<RunnerPrograms> {
  const { image, executable } = place;
  const look: ImageLook = {
    engine,
    image,
    volumes: volumesOf(place),
    labels: { [label.runner]: 'look', [label.owner]: ownerText() },
  };
  const found = await new ImagePrograms().decide(look, imageId, (isProgram) => {
    const find = (name: string) => folders.map((folder) => `${folder}/${name}`).find(isProgram) ?? null;
    const [bash, sh, git, keruta] = ['bash', 'sh', 'git', 'keruta'].map(find);
    return { shell: bash ?? sh ?? null, git, keruta: keruta ?? null };
  });
  const unfit = (lack: string) =>
    new InputError('KERUTA_ERR_IMAGE_UNFIT', `the image ${image} ${lack}`, { details: { image } });
  const missing = [...(found.shell ? [] : ['no shell (sh)']), ...(found.git ? [] : ['no git'])];
  if (found.shell === null || found.git === null)
    throw unfit(
      `has ${missing.join(', ')}; a runner needs both in ${folders.join(', ')}: take an image that has them`,
    );
  if (found.keruta !== null) return { shell: found.shell, keruta: found.keruta, mounts: [] };
  if (executable === null)
    throw unfit(
      'has no keruta, and this one is run from its sources, which no container can run: take an image that has it',
    );
  const mounts = [{ source: realpathSync(executable), target: ownPlace, readOnly: true }];
  return { shell: found.shell, keruta: ownPlace, mounts };
}
