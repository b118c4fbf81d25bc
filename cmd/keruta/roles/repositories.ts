import { join } from 'node:path';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';

/** Where the agent clones: `<base>/repos` when the base directory was named, else `~/keruta`. */
export function repositoriesOf({ values, origins }: LoadedSettings, home: string): string {
  const hasOwnBase = origins.baseDir.from !== 'default' || home === '';
  return hasOwnBase ? join(values.baseDir, 'repos') : join(home, 'keruta');
}
