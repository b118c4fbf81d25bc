import { isProgram } from '../shim/interpreter.ts';

/** Programs that the shim is made of. */
export interface ShimPrograms {
  /** program and arguments, before the file of the shim */
  readonly shell: readonly string[];
  readonly cat: string;
  readonly sleep: string;
  readonly mkfifo: string;
  /** for the nursery; null when it is not there, as `setsid` */
  readonly bash: string | null;
  readonly setsid: string | null;
}

/** Not the agent's PATH: a task may have changed what stands there. */
const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];

/**
 * Finds the programs of the shim. bash is preferred, since it tells every signal from every exit code and passes on
 * variables whose names are no shell names; `-p` keeps it from reading BASH_ENV and functions of the environment.
 * @param shell  program and arguments to use instead
 */
export function findShimPrograms(shell?: readonly string[]): ShimPrograms {
  const find = (name: string) => {
    const file = folders.map((folder) => `${folder}/${name}`).find(isProgram);
    return file ?? `/bin/${name}`;
  };
  const bash = find('bash');
  return {
    shell: shell ?? (isProgram(bash) ? [bash, '-p'] : [find('sh')]),
    cat: find('cat'),
    sleep: find('sleep'),
    mkfifo: find('mkfifo'),
    bash: isProgram(bash) ? bash : null,
    setsid: isProgram(find('setsid')) ? find('setsid') : null,
  };
}
