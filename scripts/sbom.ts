/**
 * The list of what is in the executable, in the format of CycloneDX. Made of the lock file and of what the bundler took, and of
 * nothing else: no time, no random number, so that the same sources give the same bytes.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
import { type Lock, type Locked, nameOf, resolveIn } from './lock-file.ts';

/** What the list is made of. */
export interface SbomParts {
  readonly lock: Lock;
  /** paths of the packages, as the lock file has them, whose code is in the executable */
  readonly bundled: readonly string[];
  /** versions of Node and of what it is made of: `process.versions` */
  readonly runtime: Readonly<Record<string, string | undefined>>;
}

/** In `process.versions`, but no part: numbers of interfaces. Parts that were left out have no version. */
const noParts = ['modules', 'napi', 'node'];

/** Makes the list. @throws when a package that was bundled is not in the lock file */
export function sbom({ lock, bundled, runtime }: SbomParts): Record<string, unknown> {
  const own = lock.packages[''] ?? {};
  const self = { ref: `pkg:generic/${own.name}@${own.version}`, name: own.name, version: own.version };
  const node = `pkg:generic/node@${runtime.node}`;
  // one entry a package and version: two copies of it are the same part
  const parts = new Map(bundled.toSorted().map((path) => [purlOf(path, lockedAt(lock, path)), path]));
  const taken = new Set(bundled);
  const graph = [...parts].map(([ref, path]) => ({ ref, dependsOn: dependenciesOf(lock, path, taken) }));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': self.ref,
        name: self.name,
        version: self.version,
        ...licenceOf(own),
      },
    },
    components: [
      {
        type: 'platform',
        'bom-ref': node,
        name: 'node',
        version: runtime.node,
        purl: node,
        components: Object.entries(runtime)
          .filter(([name, version]) => !noParts.includes(name) && version)
          .toSorted(([a], [b]) => compare(a, b))
          .map(([name, version]) => ({ type: 'library', 'bom-ref': `${node}#${name}`, name, version })),
      },
      ...[...parts].map(([ref, path]) => component(ref, path, lockedAt(lock, path))).toSorted(byRef),
    ],
    dependencies: [
      { ref: self.ref, dependsOn: [node, ...dependenciesOf(lock, '', taken)] },
      { ref: node, dependsOn: [] },
      ...graph.toSorted((a, b) => compare(a.ref, b.ref)),
    ],
  };
}

function component(
  ref: string,
  path: string,
  locked: Locked,
): Record<string, unknown> & { 'bom-ref': string } {
  const name = nameOf(path);
  const [group, rest] = name.startsWith('@') ? name.split('/', 2) : [undefined, name];
  return {
    type: 'library',
    'bom-ref': ref,
    ...(group === undefined ? {} : { group }),
    name: rest,
    version: locked.version,
    purl: ref,
    ...licenceOf(locked),
    ...hashOf(locked),
  };
}

/** A package URL. @see https://github.com/package-url/purl-spec */
function purlOf(path: string, { version }: Locked): string {
  return `pkg:npm/${nameOf(path).replace('@', '%40')}@${version}`;
}

function licenceOf({ license }: Locked): Record<string, unknown> {
  if (license === undefined) return {};
  return { licenses: [/\s/.test(license) ? { expression: license } : { license: { id: license } }] };
}

/** Of the archive in the registry, as npm checks it. */
function hashOf({ integrity }: Locked): Record<string, unknown> {
  const base64 = /^sha512-(.+)$/.exec(integrity ?? '')?.[1];
  if (base64 === undefined) return {};
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }] };
}

function dependenciesOf(lock: Lock, path: string, taken: ReadonlySet<string>): readonly string[] {
  const { dependencies, optionalDependencies, peerDependencies } = lock.packages[path] ?? {};
  const refs = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).flatMap(
    (name) => {
      const found = resolveIn(lock, path, name);
      return found === null || !taken.has(found) ? [] : [purlOf(found, lockedAt(lock, found))];
    },
  );
  return [...new Set(refs)].toSorted(compare);
}

function lockedAt(lock: Lock, path: string): Locked {
  const locked = lock.packages[path];
  if (locked === undefined) throw new Error(`${path} is in the bundle, and not in package-lock.json`);
  return locked;
}

/** By code unit, the same in every locale. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byRef = (a: { 'bom-ref': string }, b: { 'bom-ref': string }): number =>
  compare(a['bom-ref'], b['bom-ref']);
