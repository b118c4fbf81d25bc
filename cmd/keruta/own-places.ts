/** Where keruta keeps what is its own on this machine: of that nothing becomes an artifact. */
import { dirname } from 'node:path';
import type { LoadedSettings } from '../../internal/config/load-settings.ts';
import { type OwnPlaces, ownPlaces, withRun } from '../../internal/worker/artifacts/own-places.ts';
import type { CommandContext } from './command.ts';
import { repositoriesOf } from './roles/repositories.ts';
import type { RunPlace } from './task-commands/in-run.ts';

/** Data directory, configuration and files with secrets, as the settings name them; absolute. */
export function ownFilesOf({ values, configFiles }: LoadedSettings): readonly string[] {
  const { dataDir, apiTokenFile, emailPasswordFile, notifyFile, kubernetesKubeconfig } = values;
  const named = [apiTokenFile, emailPasswordFile, notifyFile, kubernetesKubeconfig];
  return [dataDir, ...configFiles, ...named.filter((path) => path !== null)];
}

/** The same for a command. @param run  the run that it is part of; null: none */
export function placesOfCommand(
  { env, home }: Pick<CommandContext, 'env' | 'home'>,
  settings: LoadedSettings,
  run: RunPlace | null,
): OwnPlaces {
  const { baseDir, workingDir, artifactsDir } = settings.values;
  // what one command names is no place of tasks by that
  const usual = settings.origins.artifactsDir.from === 'flag' ? null : artifactsDir;
  // the agent of a run may have another base directory than its user has, and says where its task works
  const agents = run === null ? [] : [dirname(dirname(run.directory))];
  const told = run === null ? [] : [env.KERUTA_WORKING_DIR ?? null, env.KERUTA_ARTIFACTS_DIR ?? null];
  const own = ownPlaces({
    baseDirectories: [baseDir, ...agents],
    files: ownFilesOf(settings),
    work: [workingDir, usual, ...told, repositoriesOf(settings, home)],
  });
  return run === null ? own : withRun(own, run.directory);
}
