/** What is wrong with the dependencies, as sentences. Pure: {@link ./dependencies.ts} reads the files. */
import {
  type Fixed,
  fixed,
  forbidden,
  leastAgeDays,
  licences,
  licencesOfTools,
  mostInTotal,
  mostNamed,
  type NodeLine,
  nodeLines,
  nodeNoticeDays,
  scriptsLeftOut,
  takenSooner,
} from './dependency-rules.ts';
import {
  isForeign,
  isForProduction,
  type Lock,
  type Locked,
  type Manifest,
  nameOf,
  packagesOf,
  resolveIn,
} from './lock-file.ts';
import { compareVersions, hasFix, isExact } from './versions.ts';

/** What lies in `node_modules` for a package. */
export interface Installed {
  readonly version?: string;
  readonly license?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  /** files of it that would be loaded or built as machine code: `*.node`, `binding.gyp` */
  readonly nativeFiles: readonly string[];
}

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/** S-71: every version is named exactly, and the lock file is of the same mind. */
export function manifestProblems(manifest: Manifest, lock: Lock): string[] {
  const own = lock.packages[''] ?? {};
  return kinds.flatMap((kind) => {
    const named = Object.entries(manifest[kind] ?? {});
    const gone = Object.keys(own[kind] ?? {}).filter((name) => manifest[kind]?.[name] === undefined);
    return [
      ...named.flatMap(([name, wanted]) => {
        if (!isExact(wanted))
          return [`package.json: ${kind} ${name} is "${wanted}"; expected one exact version`];
        const locked = lock.packages[`node_modules/${name}`]?.version;
        if (own[kind]?.[name] === wanted && locked === wanted) return [];
        return [
          `package-lock.json: ${name} is ${locked ?? 'missing'}, package.json says ${wanted}; run npm install`,
        ];
      }),
      ...gone.map((name) => `package-lock.json: names ${name}, which package.json does not; run npm install`),
    ];
  });
}

/** S-71: what is installed is what was locked: from the registry, with its checksum, and nothing is missing. */
export function lockProblems(lock: Lock): string[] {
  if (lock.lockfileVersion !== 3)
    return [`package-lock.json: version ${lock.lockfileVersion}; expected version 3`];
  return packagesOf(lock).flatMap(([path, locked]) => {
    const problems: string[] = [];
    if (locked.link === true || !isExact(locked.version ?? ''))
      problems.push(`${path}: expected one exact version, got ${locked.link ? 'a link' : locked.version}`);
    if (locked.resolved !== undefined && !locked.resolved.startsWith('https://registry.npmjs.org/'))
      problems.push(`${path}: comes from ${locked.resolved}; expected the registry`);
    // npm leaves the checksum out where its registry does not have a package of another system
    if (!/^sha512-[\w+/]{86}==$/.test(locked.integrity ?? '') && !(isForeign(locked) && !locked.integrity))
      problems.push(`${path}: expected a sha512 checksum, got ${locked.integrity ?? 'none'}`);
    for (const [name, range] of Object.entries({ ...locked.dependencies, ...locked.optionalDependencies }))
      if (/[:/]/.test(range)) problems.push(`${path}: asks for ${name} from "${range}"; expected versions`);
    for (const name of Object.keys(locked.dependencies ?? {}))
      if (resolveIn(lock, path, name) === null)
        problems.push(`${path}: ${name}, which it needs, is not locked`);
    return problems;
  });
}

/** S-71: few packages. */
export function countProblems(manifest: Manifest, lock: Lock): string[] {
  const named =
    Object.keys(manifest.dependencies ?? {}).length + Object.keys(manifest.optionalDependencies ?? {}).length;
  const total = packagesOf(lock).filter(([, locked]) => isForProduction(locked)).length;
  return [
    ...(named > mostNamed
      ? [`package.json names ${named} packages for production; at most ${mostNamed}`]
      : []),
    ...(total > mostInTotal ? [`${total} packages for production in total; at most ${mostInTotal}`] : []),
  ];
}

/** What a lock file names and the one before did not, whether for production or for tools. */
export function newReleases(
  before: Lock,
  now: Lock,
): readonly { readonly name: string; readonly version: string }[] {
  const idOf = ([path, { version = '' }]: readonly [string, Locked]) => `${nameOf(path)}@${version}`;
  const known = new Set(packagesOf(before).map(idOf));
  const fresh = new Set(
    packagesOf(now)
      .map(idOf)
      .filter((id) => !known.has(id)),
  );
  return [...fresh].sort().map((id) => {
    const at = id.lastIndexOf('@');
    return { name: id.slice(0, at), version: id.slice(at + 1) };
  });
}

/**
 * S-71: no release that nobody had time to look at.
 * @param published  by `name@version`, as the registry says; ISO 8601
 * @param now        ISO 8601
 */
export function ageProblems(
  published: ReadonlyMap<string, string>,
  now: string,
  sooner: Readonly<Record<string, string>> = takenSooner,
): string[] {
  return [...published].flatMap(([id, at]) => {
    const days = Math.floor((Date.parse(now) - Date.parse(at)) / 86_400_000);
    if (days >= leastAgeDays || Object.hasOwn(sooner, id)) return [];
    return [
      `${id}: published ${days} days ago; expected ${leastAgeDays}, or a reason in scripts/dependency-rules.ts`,
    ];
  });
}

/** S-66 to S-68, S-70: no version that is known to be broken, no package that is known to be worse. */
export function versionProblems(lock: Lock, rules: readonly Fixed[] = fixed): string[] {
  return packagesOf(lock).flatMap(([path, { version = '' }]) => {
    const instead = forbidden[nameOf(path)];
    return [
      ...(instead === undefined ? [] : [`${path}: ${instead}`]),
      ...rules
        .filter(({ name, since }) => name === nameOf(path) && !hasFix(version, since))
        .map(
          ({ since, reason }) => `${path}: ${version}; expected ${since.join(' or ')} and later (${reason})`,
        ),
    ];
  });
}

/** S-71: what may be handed on, and what nobody has to run in order to install it. `installed` is null when it is not there. */
export function packageProblems(path: string, locked: Locked, installed: Installed | null): string[] {
  if (installed === null)
    return locked.optional ? [] : [`${path}: not installed; run npm ci --ignore-scripts`];
  const problems: string[] = [];
  if (installed.version !== locked.version)
    problems.push(
      `${path}: ${installed.version} is installed, ${locked.version} is locked; run npm ci --ignore-scripts`,
    );
  const allowed = isForProduction(locked) ? licences : licencesOfTools;
  if (typeof installed.license !== 'string' || !isAllowed(installed.license, allowed))
    problems.push(
      `${path}: licence ${JSON.stringify(installed.license)}; expected one of ${allowed.join(', ')}`,
    );
  const runs = ['preinstall', 'install', 'postinstall'].some(
    (name) => installed.scripts?.[name] !== undefined,
  );
  const isKnown = !isForProduction(locked) && scriptsLeftOut[nameOf(path)] !== undefined;
  if ((runs || locked.hasInstallScript === true) && !isKnown)
    problems.push(`${path}: has an install script, which is never run; expected a package without`);
  if (isForProduction(locked) && installed.nativeFiles.length > 0)
    problems.push(`${path}: has machine code (${installed.nativeFiles[0]}); expected none in the executable`);
  return problems;
}

/** An expression of SPDX: with OR one has to be allowed, with AND all. */
export function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const plain = expression.replaceAll(/[()]/g, ' ').trim();
  if (/\bAND\b/.test(plain) && /\bOR\b/.test(plain)) return false;
  if (/\bAND\b/.test(plain)) return plain.split(/\s+AND\s+/).every((one) => allowed.includes(one));
  return plain.split(/\s+OR\s+/).some((one) => allowed.includes(one));
}

/**
 * S-64: the Node in the executable is supported, and will be for a while.
 * @param version  of the pinned Node
 * @param day      UTC date by which it is judged
 */
export function nodeProblems(version: string, day: string, lines: readonly NodeLine[] = nodeLines): string[] {
  const line = lines.find(({ major }) => version.startsWith(`${major}.`));
  if (line === undefined)
    return [`Node ${version}: expected a long-term line (${lines.map(({ major }) => major).join(', ')})`];
  if (compareVersions(version, line.atLeast) < 0)
    return [`Node ${version}: expected ${line.atLeast} or later`];
  const daysLeft = (Date.parse(line.endOfLife) - Date.parse(day)) / 86_400_000;
  if (daysLeft >= nodeNoticeDays) return [];
  return [
    `Node ${version}: its support ends on ${line.endOfLife}, ${daysLeft} days after ${day}; expected at least ${nodeNoticeDays}`,
  ];
}
