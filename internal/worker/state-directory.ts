import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import type { Random } from '../../pkg/random/random.ts';
import { holdsBase, lockBase } from './base-lock.ts';
import { claimKeeper, isId } from './claim-keeper.ts';
import { asDiskFault, removeFile } from './disk-fault.ts';
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
  /**
   * Makes anew what somebody, such as a task, deleted of it: the directory and those in it, lock, token, id, state.
   * @returns whether anything was missing
   * @throws as `openStateDirectory`; KERUTA_ERR_AGENT_RUNNING: another agent has taken the place since
   */
  heal(): boolean;
  /** Removes the state file and lets go of the lock; what another agent has by now is left alone. */
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
  { random, pid, uid }: { readonly random: Random; readonly pid: number; readonly uid: number | null },
  unlock: () => void,
): StateDirectory {
  const [runs, work] = [join(base, 'runs'), join(base, 'work')];
  const [idFile, stateFile] = [join(base, 'agent-id.json'), join(base, 'agent.json')];
  const localTokenFile = join(base, 'local.token');
  const kept = readJsonFile(idFile);
  const agentId = isId(kept) ? kept : random.uuid4();
  const token = random.secret(32);
  let state: AgentState | null = null;
  const make = () => {
    ownDirectory(runs, uid);
    ownDirectory(work, uid);
    if (!existsSync(localTokenFile)) writeFileSync(localTokenFile, token, { mode: 0o600, flag: 'wx' });
    if (readJsonFile(idFile) !== agentId) writeJsonFile(idFile, agentId, { sync: true });
    if (state !== null) writeJsonFile(stateFile, state);
  };
  const isWhole = () => {
    const own = [runs, work, localTokenFile, idFile, ...(state === null ? [] : [stateFile])];
    return holdsBase(base, pid) && own.every((path) => existsSync(path));
  };
  rmSync(localTokenFile, { force: true });
  make();
  return {
    base,
    agentId,
    runs,
    work,
    localTokenFile,
    writeState: (next) => {
      state = next;
      writeJsonFile(stateFile, next);
    },
    ...claimKeeper(join(base, 'claim.json'), random),
    heal: () => {
      if (isWhole()) return false;
      ownDirectory(base, uid);
      inSpace(base, () => {
        if (!holdsBase(base, pid)) lockBase(base, pid);
        make();
      });
      return true;
    },
    close: () => {
      if (holdsBase(base, pid)) {
        removeFile(stateFile);
        removeFile(localTokenFile);
      }
      unlock();
    },
  };
}

function inSpace<T>(base: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asDiskFault(error, `the agent's directory ${base}`);
  }
}
