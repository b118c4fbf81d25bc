/**
 * Whether a distribution has put the security fixes of July 2025 into an older git. Its version does not say so: that is
 * told by the version of the package, or by the package's own list of changes.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { ProcessStartError, runProcess } from '../process/run.ts';
import type { GitLimits } from './git.ts';

/** What the package of git says. */
export interface VendorFixes {
  /** the package with its version: `git 1:2.39.5-0+deb12u3` */
  readonly package: string;
  readonly hasFixes: boolean;
}

/** What is asked, and for which git. */
export interface VendorQuestion {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** for each of the two package managers that are asked */
  readonly limits: GitLimits;
  /** as git says it: a package of another version is not the git that runs */
  readonly version: string;
  /** default: where Debian and its kin keep it */
  readonly changelogFile?: string;
}

/** The hole through which a clone could run code; the others were closed with it. */
const hole = 'CVE-2025-48384';
const debianChangelog = '/usr/share/doc/git/changelog.Debian.gz';
/** Images without documentation have no list of changes; this much is known. Number of the update from which on. */
const knownFixes: readonly (readonly [versions: RegExp, update: number])[] = [
  [/^1:2\.39\.5-0\+deb12u(\d+)/, 3],
];
/** More than any list of changes; bytes. */
const maxBytes = 16 * 1024 * 1024;

/** Asks dpkg, then rpm. @returns null when neither knows a package of this git */
export async function findVendorFixes(question: VendorQuestion): Promise<VendorFixes | null> {
  const debian = (await ask(question, 'dpkg-query', ['-W', `-f=\${Version}`, 'git']))?.trim() ?? '';
  if (isSameGit(debian, question.version)) {
    const changes = await readChangelog(question.changelogFile ?? debianChangelog);
    return { package: `git ${debian}`, hasFixes: isKnownFixed(debian) || changes.includes(hole) };
  }
  const rpm = (await ask(question, 'rpm', ['-q', '--qf', '%{VERSION}-%{RELEASE}', 'git']))?.trim() ?? '';
  if (!isSameGit(rpm, question.version)) return null;
  const changes = (await ask(question, 'rpm', ['-q', '--changelog', 'git'])) ?? '';
  return { package: `git ${rpm}`, hasFixes: changes.includes(hole) };
}

/** Whether the version of a package (`1:2.39.5-0+deb12u3`) is one of this git (`2.39.5`). */
function isSameGit(packageVersion: string, version: string): boolean {
  return packageVersion.replace(/^\d+:/, '').split('-')[0] === version && version !== '';
}

function isKnownFixed(packageVersion: string): boolean {
  return knownFixes.some(([known, update]) => Number(known.exec(packageVersion)?.[1] ?? 0) >= update);
}

async function readChangelog(file: string): Promise<string> {
  try {
    return gunzipSync(await readFile(file), { maxOutputLength: maxBytes }).toString('utf8');
  } catch {
    return '';
  }
}

/** @returns what the program says; null when it is not there, fails, or takes too long */
async function ask(
  { environment, limits }: VendorQuestion,
  command: string,
  args: readonly string[],
): Promise<string | null> {
  try {
    const env = { PATH: environment.PATH || '/usr/bin:/bin', LC_ALL: 'C' };
    const result = await runProcess({ command, args, cwd: '/', env, maxOutputBytes: maxBytes, ...limits });
    return result.exitCode === 0 ? result.stdout : null;
  } catch (error) {
    if (error instanceof ProcessStartError) return null;
    throw error;
  }
}
