/**
 * git, hardened: the one way in which a git process is started.
 *
 * What came from outside (addresses, refs) is checked before a process exists, is always behind `--end-of-options`, and
 * cannot make git run a program: no hooks, no fsmonitor, no remote helpers, no prompts, no submodules, no bundle URIs.
 */
import { ProcessStartError, runProcess } from '../process/run.ts';
import { type EnvironmentParts, localEnvironment, remoteEnvironment } from './environment.ts';
import { faultOf, GitError, type GitFault, quote } from './git-error.ts';
import type { RepositoryUrl } from './repository-url.ts';

/** What git is made of; see EnvironmentParts. */
export interface GitParts extends EnvironmentParts {
  /** replaces the real process in tests of faults */
  readonly run?: typeof runProcess;
}

/** How long and in whose name. */
export interface GitLimits {
  /** wall time of the whole operation; > 0 */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** One call of git. */
export interface GitCall extends GitLimits {
  /** where it runs; absolute */
  readonly directory: string;
  readonly args: readonly string[];
  /** variables on top of the closed environment */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** default 4 MiB */
  readonly maxOutputBytes?: number;
  /** exit codes that are answers; default: only 0 */
  readonly okExits?: readonly number[];
  /** what a failure is when git's words do not tell; default `failed` */
  readonly fallback?: GitFault;
}

/** What git answered. */
export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** whether output over the limit was dropped */
  readonly truncated: boolean;
}

/** The two kinds of calls. */
export interface Git {
  readonly parts: GitParts;
  /** Stays on this machine: no configuration but the clone's own, no credentials. @throws {GitError} */
  local(call: GitCall): Promise<GitAnswer>;
  /** Talks to a remote, with the credentials that the mode allows. @throws {GitError} */
  remote(call: GitCall & { readonly url: RepositoryUrl }): Promise<GitAnswer>;
}

/** Options of every call, whatever the configuration of clone, person or machine says. */
const always = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'protocol.version=2',
  'http.followRedirects=false',
  'transfer.bundleURI=false',
  'transfer.credentialsInUrl=die',
  'fetch.fsckObjects=true',
  // Old harmless faults that well-known repositories have in their history; the dangerous ones stay errors.
  'fetch.fsck.zeroPaddedFilemode=ignore',
  'fetch.fsck.missingSpaceBeforeDate=ignore',
  'fetch.fsck.badTimezone=ignore',
  'fetch.fsck.missingNameBeforeEmail=ignore',
  'fetch.fsck.missingEmail=ignore',
  'fetch.fsck.badEmail=ignore',
  'fetch.fsck.zeroPaddedDate=ignore',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'safe.bareRepository=explicit',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
  'core.quotePath=false',
  'advice.detachedHead=false',
  'advice.addEmbeddedRepo=false',
].flatMap((setting) => ['-c', setting]);

const defaultMaxOutputBytes = 4 * 1024 * 1024;

/** Makes a git that runs with these parts. Starts nothing. */
export function createGit(parts: GitParts): Git {
  return {
    parts,
    local: (call) => start(parts, call, { env: localEnvironment(parts), options: [] }),
    remote: async (call) => {
      const { env, options } = await remoteEnvironment(parts, call.url);
      return start(parts, { fallback: 'unreachable', ...call }, { env, options, url: call.url });
    },
  };
}

async function start(
  parts: GitParts,
  call: GitCall,
  context: { env: Record<string, string>; options: string[]; url?: RepositoryUrl },
): Promise<GitAnswer> {
  const name = call.args[0] ?? '';
  if (!(call.timeoutMs > 0)) throw timeout(name, call.timeoutMs, context.url);
  const result = await (parts.run ?? runProcess)({
    command: 'git',
    args: [...always, ...context.options, ...call.args],
    cwd: call.directory,
    env: { ...context.env, ...call.env },
    timeoutMs: call.timeoutMs,
    maxOutputBytes: call.maxOutputBytes ?? defaultMaxOutputBytes,
    ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  }).catch((error: unknown) => {
    if (error instanceof ProcessStartError && error.code === 'ENOENT')
      throw new GitError('missing', 'git cannot be started: no such program on PATH; install git', {
        cause: error,
      });
    throw error;
  });
  if (result.timedOut) throw timeout(name, call.timeoutMs, context.url);
  const { exitCode, stdout, stderr, truncated } = result;
  if (exitCode !== null && (call.okExits ?? [0]).includes(exitCode))
    return { exitCode, stdout, stderr, truncated };
  const { username, password } = context.url?.credentials ?? { username: '', password: '' };
  // A short user name says nothing, and masking it would make the message unreadable.
  const words = quote(stderr, [password ?? '', username.length >= 8 ? username : '']);
  const how = exitCode === null ? `was killed by ${result.signal ?? 'a signal'}` : `ended with ${exitCode}`;
  throw new GitError(
    faultOf(stderr, { remote: context.url !== undefined, fallback: call.fallback ?? 'failed' }),
    `git ${name}${context.url ? ` of ${context.url.url}` : ''} ${how}${words === '' ? '' : `: ${words}`}`,
  );
}

function timeout(name: string, timeoutMs: number, url?: RepositoryUrl): GitError {
  const what = `git ${name}${url ? ` of ${url.url}` : ''}`;
  return new GitError(
    'timeout',
    `${what} did not end within ${Math.max(0, Math.round(timeoutMs / 100) / 10)} s`,
  );
}
