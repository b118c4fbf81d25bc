import { randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryCredentials, RepositoryUrl } from './repository-url.ts';

/** Whose credentials remote operations use: those of the environment that is passed in, or none at all. */
export type CredentialMode = 'inherit' | 'none';

/** What the environment of a call is made of. */
export interface EnvironmentParts {
  /** the environment at the program's start; only the variables named below are ever taken from it */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly credentials: CredentialMode;
  /** whether `file://` and paths may be fetched from */
  readonly allowLocal: boolean;
  /** absolute; made 0700 on first use; HOME of every closed call, holds known hosts and the askpass program */
  readonly privateDirectory: string;
}

/** What remote operations may see in `inherit` mode: where people keep git and ssh credentials, proxies, trust. */
const inherited =
  /^(HOME|USER|LOGNAME|SSH_AUTH_SOCK|SSH_AGENT_PID|SSH_ASKPASS|SSH_ASKPASS_REQUIRE|GIT_ASKPASS|GIT_SSH|GIT_SSH_COMMAND|GIT_SSH_VARIANT|GIT_CONFIG_GLOBAL|GIT_CONFIG_SYSTEM|GIT_CONFIG_NOSYSTEM|GIT_CONFIG_COUNT|GIT_CONFIG_(KEY|VALUE)_\d+|GIT_SSL_\w+|SSL_CERT_FILE|SSL_CERT_DIR|XDG_(CONFIG|CACHE|DATA)_HOME|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|GNUPGHOME|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|CODER_AGENT_\w+|VSCODE_GIT_\w+)$/;

/** Options of every ssh that we start: never ask, never hang. First contact is trusted, a changed key is not. */
const sshOptions =
  '-oBatchMode=yes -oStrictHostKeyChecking=accept-new -oConnectTimeout=15 -oServerAliveInterval=15 -oServerAliveCountMax=3';

/** What every call has: no prompt, no file of configuration but the clone's own, no replace refs, English messages. */
function closed(parts: EnvironmentParts): Record<string, string> {
  return {
    PATH: absolutePath(parts.environment.PATH),
    HOME: parts.privateDirectory,
    LANG: 'C.UTF-8',
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ALLOW_PROTOCOL: parts.allowLocal ? 'https:ssh:file' : 'https:ssh',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_EDITOR: '/bin/false',
    GIT_PAGER: 'cat',
  };
}

/** The PATH without relative entries: git runs inside clones, which may hold a program named `git` or `ssh`. */
function absolutePath(path: string | undefined): string {
  const entries = (path ?? '').split(':').filter((entry) => entry.startsWith('/'));
  return entries.length === 0 ? '/usr/local/bin:/usr/bin:/bin' : entries.join(':');
}

/** The environment of an operation that stays on this machine. Never holds a credential. */
export function localEnvironment(parts: EnvironmentParts): Record<string, string> {
  return closed(parts);
}

/**
 * The environment of an operation that talks to a remote. Credentials of the address travel in it and through an askpass
 * program, so they are in no argument and in no configuration; helpers do not get to store them.
 *
 * @returns environment, and extra options of git
 */
export async function remoteEnvironment(
  parts: EnvironmentParts,
  remote: RepositoryUrl,
): Promise<{ env: Record<string, string>; options: string[] }> {
  await mkdir(parts.privateDirectory, { recursive: true, mode: 0o700 });
  const env = {
    ...closed(parts),
    GIT_HTTP_LOW_SPEED_LIMIT: '1000',
    GIT_HTTP_LOW_SPEED_TIME: '30',
    GIT_SSH_COMMAND: closedSsh(parts.privateDirectory),
  };
  if (parts.credentials === 'inherit') open(env, parts.environment);
  const options = parts.credentials === 'none' ? ['-c', 'credential.helper='] : [];
  if (remote.credentials === null) return { env, options };
  return withCredentials({ env, options, credentials: remote.credentials, parts });
}

function closedSsh(directory: string): string {
  const known = join(directory, 'known_hosts').replaceAll("'", "'\\''");
  return `ssh -F /dev/null ${sshOptions} -oIdentityAgent=none -oIdentityFile=none -o'UserKnownHostsFile=${known}'`;
}

function open(env: Record<string, string>, from: EnvironmentParts['environment']): void {
  for (const name of ['GIT_CONFIG_NOSYSTEM', 'GIT_CONFIG_GLOBAL', 'SSH_ASKPASS']) delete env[name];
  env.GIT_SSH_COMMAND = `ssh ${sshOptions}`;
  // A program named by GIT_SSH would otherwise lose against our command.
  if (from.GIT_SSH !== undefined && from.GIT_SSH_COMMAND === undefined) delete env.GIT_SSH_COMMAND;
  for (const [name, value] of Object.entries(from))
    if (value !== undefined && inherited.test(name)) env[name] = value;
}

async function withCredentials(request: {
  readonly env: Record<string, string>;
  readonly options: string[];
  readonly credentials: RepositoryCredentials;
  readonly parts: EnvironmentParts;
}): Promise<{ env: Record<string, string>; options: string[] }> {
  const { env, options, credentials, parts } = request;
  if (credentials.password === null && parts.credentials === 'inherit') {
    // A name alone: the person's own helper is asked for the password of that name.
    const count = Number.parseInt(env.GIT_CONFIG_COUNT ?? '0', 10) || 0;
    Object.assign(env, {
      GIT_CONFIG_COUNT: String(count + 1),
      [`GIT_CONFIG_KEY_${count}`]: 'credential.username',
      [`GIT_CONFIG_VALUE_${count}`]: credentials.username,
    });
    return { env, options };
  }
  env.GIT_ASKPASS = await askpassProgram(parts.privateDirectory);
  env.GIT_ANSWER_USERNAME = credentials.username;
  env.GIT_ANSWER_PASSWORD = credentials.password ?? '';
  return { env, options: ['-c', 'credential.helper='] };
}

/** Writes the program that answers git's questions from its environment; it holds no secret itself. */
async function askpassProgram(directory: string): Promise<string> {
  const file = join(directory, 'askpass');
  const text = `#!/bin/sh
case "$1" in
  Username*) printf '%s\\n' "$GIT_ANSWER_USERNAME" ;;
  *) printf '%s\\n' "$GIT_ANSWER_PASSWORD" ;;
esac
`;
  // several calls of one process may be here at once
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, text, { mode: 0o700, flag: 'wx' });
  await rename(temporary, file);
  return file;
}
