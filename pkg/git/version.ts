import type { Git, GitLimits } from './git.ts';

/** The installed git. */
export interface GitVersion {
  /** as git says it, such as `2.39.5` */
  readonly text: string;
  /** what a person should know about it; null when nothing */
  readonly warning: string | null;
}

/** First releases of each line with the fixes of July 2025 (CVE-2025-48384, 48385): clone-time code execution. */
const fixed: readonly (readonly [minor: number, patch: number])[] = [
  [43, 7],
  [44, 4],
  [45, 4],
  [46, 4],
  [47, 3],
  [48, 2],
  [49, 1],
  [50, 1],
];

/** Asks git for its version. @throws {GitError} missing, failed */
export async function gitVersion(git: Git, limits: GitLimits): Promise<GitVersion> {
  const { stdout } = await git.local({ ...limits, directory: '/', args: ['version'] });
  return judgeVersion(stdout);
}

/** Reads the output of `git version` and says whether known holes are closed. Pure. */
export function judgeVersion(output: string): GitVersion {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?[^\s]*/.exec(output);
  if (match === null) return { text: 'unknown', warning: 'git does not say its version' };
  const [text, major, minor, patch] = [match[0], Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (major < 2 || (major === 2 && minor < 30))
    return { text, warning: `git ${text} is too old; install 2.30 or newer` };
  const line = fixed.find(([known]) => known === minor);
  const safe = major > 2 || minor > 50 || (line !== undefined && patch >= line[1]);
  const warning = `git ${text} may lack the security fixes of July 2025; update it, unless your distribution has put them into this version`;
  return { text, warning: safe ? null : warning };
}
