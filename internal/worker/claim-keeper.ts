import { readJsonFile, writeJsonFile } from '../../pkg/files/json-file.ts';
import type { Random } from '../../pkg/random/random.ts';
import { diskFaultOf, removeFile } from './disk-fault.ts';
import type { StateDirectory } from './state-directory.ts';

/** Keeps the id of the present wish to claim in a file; see `StateDirectory`. */
export function claimKeeper(file: string, random: Random): Pick<StateDirectory, 'claimId' | 'newClaim'> {
  const kept = readJsonFile(file);
  let id = isId(kept) ? kept : null;
  return {
    claimId: () => {
      if (id === null) {
        id = random.uuid4();
        keep(file, id);
      }
      return id;
    },
    newClaim: () => {
      id = null;
      removeFile(file);
    },
  };
}

/** Whether it is an id as we make them: a server refuses others, again and again. */
export function isId(kept: unknown): kept is string {
  return typeof kept === 'string' && /^[0-9a-f-]{36}$/.test(kept);
}

/** A disk that takes nothing must not end an agent: what is not written down here is only missing after its death. */
function keep(file: string, value: unknown): void {
  try {
    writeJsonFile(file, value);
  } catch (error) {
    if (diskFaultOf(error) === null) throw error;
  }
}
