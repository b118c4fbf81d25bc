import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../pkg/random/random.ts';
import { lockBase } from './base-lock.ts';
import { claimKeeper, isId } from './claim-keeper.ts';
import { asDiskFault, removeFile } from './disk-fault.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { ownDirectory } from './own-directory.ts';

/** What is known of a running agent from outside; `<base>/agent.json`, which `keruta daemon status` reads. */
export interface AgentState {
  readonly pid: number;
  /** address of the local API; null when there is none */
  readonly url: string | null;
  readonly port: number | null;
  /** path of the socket that serves the same; null when there is none */
  readonly socket: string | null;
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
 * @throws {ConflictError} KERUTA_ERR_DIRECTORY when it is a link, a file or somebody else's; KERUTA_ERR_AGENT_RUNNING;
 *   {UnavailableError} KERUTA_ERR_DISK_FULL
 */
export function openStateDirectory(
  base: string,
  parts: { readonly random: Random; readonly pid: number; readonly uid: number | null },
): StateDirectory {
  ownDirectory(base, parts.uid);
  const unlock = inSpace(base, () => lockBase(base, parts.pid));
  try {
    return inSpace(base, () => fill(base, parts, unlock));
  } catch (error) {
    unlock();
    throw error;
  }
}

function fill(
  base: string,
  parts: { readonly random: Random; readonly uid: number | null },
  unlock: () => void,
): StateDirectory {
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
      removeFile(stateFile);
      removeFile(localTokenFile);
      unlock();
    },
  };
}

function stableId(file: string, random: Random): string {
  const kept = readJsonFile(file);
  if (isId(kept)) return kept;
  const id = random.uuid4();
  writeJsonFile(file, id, { sync: true });
  return id;
}

function inSpace<T>(base: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asDiskFault(error, `the agent's directory ${base}`);
  }
}
