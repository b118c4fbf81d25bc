/** The checks of `keruta doctor`, in the order in which they are shown: one line each. */
import { agentCheck } from './doctor/agent.ts';
import { apiCheck } from './doctor/api.ts';
import { baseDirectoryCheck } from './doctor/base-directory.ts';
import type { Check } from './doctor/check.ts';
import { clockCheck } from './doctor/clock.ts';
import { clusterCheck } from './doctor/cluster.ts';
import { configCheck } from './doctor/config.ts';
import { containerEngineCheck } from './doctor/container-engine.ts';
import { containmentCheck } from './doctor/containment.ts';
import { diskCheck } from './doctor/disk.ts';
import { gitCheck } from './doctor/git.ts';
import { gitLocksCheck } from './doctor/git-locks.ts';
import { inputCheck } from './doctor/input.ts';
import { leftoversCheck } from './doctor/leftovers.ts';
import { localeCheck } from './doctor/locale.ts';
import { logCheck } from './doctor/log.ts';
import { memoryCheck } from './doctor/memory.ts';
import { programsCheck } from './doctor/programs.ts';
import { runsCheck } from './doctor/runs.ts';
import { spoolCheck } from './doctor/spool.ts';
import { tokenCheck } from './doctor/token.ts';

/** All checks. */
export const checks: readonly Check[] = [
  configCheck,
  apiCheck,
  tokenCheck,
  clockCheck,
  gitCheck,
  programsCheck,
  inputCheck,
  containmentCheck,
  containerEngineCheck,
  clusterCheck,
  diskCheck,
  memoryCheck,
  baseDirectoryCheck,
  agentCheck,
  runsCheck,
  leftoversCheck,
  gitLocksCheck,
  spoolCheck,
  logCheck,
  localeCheck,
];
