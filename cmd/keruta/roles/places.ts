import { join } from 'node:path';
import type { SettingValues } from '../../../internal/config/table.ts';

/** Files of the agent in the background. */
export interface DaemonPlaces {
  readonly pidFile: string;
  readonly logFile: string;
  /** what it prints outside of its log: the last words of one that could not begin */
  readonly outputFile: string;
  /** address and session, while it runs; see worker/state-directory */
  readonly stateFile: string;
}

/** Where the files of the agent in the background are. */
export function daemonPlaces(values: SettingValues): DaemonPlaces {
  const logs = join(values.baseDir, 'logs');
  return {
    pidFile: values.pidFile ?? join(values.baseDir, 'daemon.pid'),
    logFile: values.logFile ?? join(logs, 'daemon.log'),
    outputFile: join(logs, 'daemon.out'),
    stateFile: join(values.baseDir, 'agent.json'),
  };
}
