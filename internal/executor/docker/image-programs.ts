/** Which programs an image has. */
import type { Mount } from '../../../pkg/docker/container-body.ts';
import type { Engine } from '../../../pkg/docker/engine.ts';
import { InputError } from '../../domain/errors.ts';

/** Programs that the shim is made of, inside an image. */
export interface ShimPrograms {
  /** program and arguments, before the text of the shim */
  readonly shell: readonly string[];
  readonly cat: string;
  readonly sleep: string;
  readonly mkfifo: string;
}

/** What an image is looked at with. */
export interface ImageLook {
  readonly engine: Engine;
  readonly image: string;
  readonly volumes: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
}

const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];

/** Knows the programs of images, and looks at each file once: an image that changes has another id. */
export class ImagePrograms {
  readonly #known = new Map<string, Map<string, boolean>>();

  /**
   * Decides something that depends on the programs of an image: called again until every file that it asks for is known.
   * @throws what `decide` throws once it knows, and the engine's errors
   */
  async decide<T>(
    look: ImageLook,
    imageId: string,
    decide: (isProgram: (file: string) => boolean) => T,
  ): Promise<T> {
    const known = this.#known.get(imageId) ?? new Map<string, boolean>();
    this.#known.set(imageId, known);
    for (;;) {
      const unknown = new Set<string>();
      const isProgram = (file: string) => {
        const answer = known.get(file);
        if (answer === undefined) unknown.add(file);
        return answer ?? false;
      };
      try {
        const decision = decide(isProgram);
        if (unknown.size === 0) return decision;
      } catch (error) {
        if (unknown.size === 0) throw error;
      }
      for (const [file, is] of await lookAt(look, [...unknown])) known.set(file, is);
    }
  }
}

/** A container that is never started shows the files of its image. */
async function lookAt(
  { engine, image, volumes, labels }: ImageLook,
  files: readonly string[],
): Promise<readonly (readonly [string, boolean])[]> {
  const container = await engine.create(null, {
    image,
    command: ['/'],
    workingDirectory: '/',
    user: null,
    labels,
    mounts: volumes,
    network: 'none',
    memoryBytes: null,
    cpus: null,
    pidsLimit: null,
  });
  try {
    const looks = files.map(
      async (file) => [file, (await engine.isProgram(container, file)) ?? false] as const,
    );
    return await Promise.all(looks);
  } finally {
    await engine.remove(container);
  }
}

/**
 * Finds what the shim needs; bash is preferred, which tells every signal from every exit code.
 * @throws {InputError} KERUTA_ERR_IMAGE_UNFIT
 */
export function findShimPrograms(image: string, isProgram: (file: string) => boolean): ShimPrograms {
  const find = (name: string) => folders.map((folder) => `${folder}/${name}`).find(isProgram) ?? null;
  const [bash, sh, cat, sleep, mkfifo] = ['bash', 'sh', 'cat', 'sleep', 'mkfifo'].map(find);
  const shell = bash ? [bash, '-p'] : sh ? [sh] : null;
  if (shell && cat && sleep && mkfifo) return { shell, cat, sleep, mkfifo };
  const missing = Object.entries({ 'shell (sh)': shell, cat, sleep, mkfifo }).filter(([, file]) => !file);
  throw new InputError(
    'KERUTA_ERR_IMAGE_UNFIT',
    `the image ${image} has no ${missing.map(([name]) => name).join(', no ')}; every run needs a shell, cat, sleep and mkfifo in ${folders.slice(0, 3).join(', ')}: take an image that has them, such as one of Debian or Alpine`,
    { details: { image } },
  );
}
