import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Random } from '../../pkg/random/random.ts';
import { ConflictError } from '../domain/errors.ts';
import { lockBase } from './base-lock.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** What is known of a running agent from outside; `<base>/agent.json`, which `keruta daemon status` reads. */
export interface AgentState {
  readonly pid: number;
  /** address of the local API; null when there is none */
  readonly url: string | null;
  readonly port: number | null;
  readonly sessionId: string;
  /** holds the bearer token of the local API, 0600 */
  readonly localTokenFile: string;
  /** epoch ms */
  readonly startedAt: number;
}

/** An agent's base directory, opened and locked. */
export interface StateDirectory {
  readonly base: string;
  /** stable over restarts */
  readonly agentId: string;
  /** one directory per run */
  readonly runs: string;
  /** where tasks of sessions without a repository work, one directory per session */
  readonly work: string;
  readonly localTokenFile: string;
  writeState(state: AgentState): void;
  /** Id of the present wish to claim; the same until `newClaim` is called, over restarts too. */
  claimId(): string;
  /** Forgets the claim id: the wish was answered with a task. */
  newClaim(): void;
  /** Removes the state file and lets go of the lock. */
  close(): void;
}

/**
 * Opens an agent's base directory: makes it (0700) when it is missing, checks that it is ours, locks it.
 *
 * @param parts.uid  of this process; null where there is no such thing
 * @param parts.pid  of this process
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY when it is a link, a file or somebody else's; KERUTA_ERR_AGENT_RUNNING
 */
export function openStateDirectory(
  base: string,
  parts: { readonly random: Random; readonly pid: number; readonly uid: number | null },
): StateDirectory {
  ownDirectory(base, parts.uid);
  const unlock = lockBase(base, parts.pid);
  try {
    const [runs, work] = [join(base, 'runs'), join(base, 'work')];
    ownDirectory(runs, parts.uid);
    ownDirectory(work, parts.uid);
    const localTokenFile = join(base, 'local.token');
    rmSync(localTokenFile, { force: true });
    writeFileSync(localTokenFile, parts.random.secret(32), { mode: 0o600, flag: 'wx' });
    const stateFile = join(base, 'agent.json');
    const claim = claimKeeper(join(base, 'claim.json'), parts.random);
    return {
      base,
      agentId: stableId(join(base, 'agent-id.json'), parts.random),
      runs,
      work,
      localTokenFile,
      writeState: (state) => writeJsonFile(stateFile, state),
      ...claim,
      close: () => {
        rmSync(stateFile, { force: true });
        rmSync(localTokenFile, { force: true });
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Makes a directory 0700, or checks one that is there: a real directory (no link) of our own; its mode is set right.
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY
 */
export function ownDirectory(directory: string, uid: number | null): void {
  const refuse = (what: string) =>
    new ConflictError(
      'KERUTA_ERR_DIRECTORY',
      `The agent's directory ${directory} ${what}. Expected a directory of your own that nobody else can write to; ` +
        'set KERUTA_BASE_DIR to one.',
      { details: { directory } },
    );
  if (!isAbsolute(directory)) throw refuse('is not an absolute path');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw refuse(`cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const found = lstatSync(directory);
  if (found.isSymbolicLink() || !found.isDirectory()) throw refuse('is a link or a file');
  if (uid !== null && found.uid !== uid) throw refuse(`belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

function stableId(file: string, random: Random): string {
  const kept = readJsonFile(file);
  if (typeof kept === 'string' && kept !== '') return kept;
  const id = random.uuid4();
  writeJsonFile(file, id, { sync: true });
  return id;
}

function claimKeeper(file: string, random: Random): Pick<StateDirectory, 'claimId' | 'newClaim'> {
  const kept = readJsonFile(file);
  let id = typeof kept === 'string' ? kept : null;
  return {
    claimId: () => {
      if (id === null) {
        id = random.uuid4();
        writeJsonFile(file, id);
      }
      return id;
    },
    newClaim: () => {
      id = null;
      rmSync(file, { force: true });
    },
  };
}
