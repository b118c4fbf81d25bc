/** `package-lock.json`, as far as the checks and the list of parts look at it. */

/** The part of `package.json` that names packages. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package as the lock file has it. */
export interface Locked extends Manifest {
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly license?: string;
  /** left out for packages of the registry that npm is set to */
  readonly resolved?: string;
  /** Subresource Integrity */
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** The file; packages by the path at which they are installed, the project itself by ''. */
export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
}

/** `node_modules/a/node_modules/@b/c` is an installed `@b/c`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** All packages but the project itself, by path. */
export function packagesOf(lock: Lock): readonly (readonly [path: string, locked: Locked])[] {
  return Object.entries(lock.packages).filter(([path]) => path !== '');
}

/** Whether a package is there for production. */
export function isForProduction(locked: Locked): boolean {
  return locked.dev !== true && locked.devOptional !== true;
}

/** Whether a package can only be installed on systems for which no executable is made with the pinned Node. */
export function isForeign({ optional, os, cpu, libc }: Locked): boolean {
  const lacks = (list: readonly string[] | undefined, ours: readonly string[]) =>
    list !== undefined && !list.some((one) => ours.includes(one));
  return (
    optional === true && (lacks(os, ['linux']) || lacks(cpu, ['x64', 'arm64']) || lacks(libc, ['glibc']))
  );
}

/** Where the package is that `from` gets when it asks for `name`: the nearest one. @returns null when there is none */
export function resolveIn(lock: Lock, from: string, name: string): string | null {
  const inside = `${from}/node_modules/${name}`;
  if (lock.packages[inside] !== undefined) return inside;
  const above = from.lastIndexOf('/node_modules/');
  if (above > 0) return resolveIn(lock, from.slice(0, above), name);
  return lock.packages[`node_modules/${name}`] === undefined ? null : `node_modules/${name}`;
}
