/** What a runner elsewhere is handed, as files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentText } from '../../executor/shim/container-environment.ts';
import { relayVariable } from '../relay/frames.ts';
import type { RunnerJob } from './elsewhere.ts';

/** Where a runner's own place is: home, with the pool of its slots. */
const homeName = 'home';

/** The environment is in a file that is empty at once. */
const takeEnvironment = `. ./environment || exit 120
: >./environment
[ "$k_environment" ] || exit 120
unset k_environment
`;

/** The runner is no first process itself: somebody has to take care of orphans. @see man 7 pid_namespaces */
const waitForRunner = `trap 'kill -TERM $k_runner 2>/dev/null' INT TERM HUP
wait $k_runner
k_status=$?
while kill -0 $k_runner 2>/dev/null; do
  wait $k_runner
  k_status=$?
done
exit $k_status
`;

/**
 * The first program of a container. It holds on to its input: who started it has the other end, so when that one is killed the runner is
 * too, as it would be as a child: a second start goes on with what was done.
 */
const heldScript = `umask 077
${takeEnvironment}exec 3<&0
"$@" </dev/null 3<&- &
k_runner=$!
(while read -r k_line; do :; done <&3; kill -KILL $k_runner) 2>/dev/null &
exec 3<&-
${waitForRunner}`;

/**
 * The first program of a pod, to which nobody holds a line. Keys of Secrets are files in `secrets`, and become variables, but for those whose
 * names no shell can set; the environment wins.
 */
export const podScript = `umask 077
k_image_path=$PATH k_names=
for k_file in ./secrets/*/*; do
  [ -f "$k_file" ] || continue
  k_name=\${k_file##*/}
  case $k_name in [0-9]* | k_* | *[!A-Za-z0-9_]*) continue ;; esac
  k_value=$(cat "$k_file")
  export "$k_name=$k_value"
  k_names="$k_names $k_name"
done
rm -rf ./secrets
unset k_value
export ${relayVariable.secrets}="$k_names"
${takeEnvironment}mkdir -p "$HOME"
"$@" </dev/null &
k_runner=$!
${waitForRunner}`;

/** What it is handed, as texts of files. */
export interface Handed {
  readonly files: Readonly<Record<'environment' | 'start.sh' | 'context.json' | 'config.json', string>>;
  /** arguments of `keruta` */
  readonly words: readonly string[];
}

/** Where it is at home: beside what it writes down. */
export function homeOf(job: RunnerJob): Readonly<Record<'HOME' | 'KERUTA_BASE_DIR', string>> {
  const home = join(job.directory, homeName);
  return { HOME: home, KERUTA_BASE_DIR: join(home, '.keruta') };
}

/** Puts together what is handed over. @param place.directory  where the files are, there */
export function handed(
  job: RunnerJob,
  place: { readonly directory: string; readonly environment: string; readonly script: string },
): Handed {
  const { directory, environment, script } = place;
  const files = ['-f', join(directory, 'context.json'), '--config', join(directory, 'config.json')];
  const places = ['--state', job.directory, '--artifacts-dir', job.artifactsDirectory];
  return {
    files: {
      ...{ environment, 'start.sh': script },
      ...{ 'context.json': JSON.stringify(job.context), 'config.json': JSON.stringify(job.config) },
    },
    words: ['runner', 'run', ...files, ...places, ...job.words],
  };
}

/** Paths of what was written. */
export interface HandedOver {
  readonly directory: string;
  /** arguments of `keruta` */
  readonly words: readonly string[];
  /** Removes them. */
  readonly remove: () => void;
}

/** Writes the files, mode 0600; what an earlier start left there is replaced. */
export function handOver(job: RunnerJob, env: Readonly<Record<string, string>>): HandedOver {
  const directory = join(job.directory, 'handed-over');
  const home = homeOf(job);
  rmSync(directory, { recursive: true, force: true });
  for (const made of [job.directory, directory, home.HOME, job.artifactsDirectory])
    mkdirSync(made, { recursive: true, mode: 0o700 });
  const environment = environmentText({ set: { ...env, ...home }, unset: [] });
  const { files, words } = handed(job, { directory, environment, script: heldScript });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  return { directory, words, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
