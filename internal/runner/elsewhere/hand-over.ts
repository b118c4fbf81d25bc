/** What a runner in a container is handed: files beside what it writes down. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentText } from '../../executor/shim/container-environment.ts';
import type { RunnerJob } from './elsewhere.ts';

/** Where a runner's own place is: home, with the pool of its slots. */
const homeName = 'home';

/**
 * The first program there. It takes the environment from a file that is gone at once, and holds on to its input: who started it has the
 * other end, so when that one is killed the runner is too, as it would be as a child: a second start goes on with what was done. The runner
 * is no first process itself: somebody has to take care of orphans.
 * @see man 7 pid_namespaces
 */
const startScript = `umask 077
. ./environment || exit 120
: >./environment
[ "$k_environment" ] || exit 120
unset k_environment
exec 3<&0
"$@" </dev/null 3<&- &
k_runner=$!
(while read -r k_line; do :; done <&3; kill -KILL $k_runner) 2>/dev/null &
exec 3<&-
trap 'kill -TERM $k_runner 2>/dev/null' INT TERM HUP
wait $k_runner
k_status=$?
while kill -0 $k_runner 2>/dev/null; do
  wait $k_runner
  k_status=$?
done
exit $k_status
`;

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
  const home = join(job.directory, homeName);
  rmSync(directory, { recursive: true, force: true });
  for (const made of [job.directory, directory, home, job.artifactsDirectory])
    mkdirSync(made, { recursive: true, mode: 0o700 });
  const put = (name: string, text: string) => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const set = { ...env, HOME: home, KERUTA_BASE_DIR: join(home, '.keruta') };
  put('environment', environmentText({ set, unset: [] }));
  put('start.sh', startScript);
  const context = put('context.json', JSON.stringify(job.context));
  const config = put('config.json', JSON.stringify(job.config));
  const files = ['-f', context, '--config', config];
  const places = ['--state', job.directory, '--artifacts-dir', job.artifactsDirectory];
  return {
    directory,
    words: ['runner', 'run', ...files, ...places, ...job.words],
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
