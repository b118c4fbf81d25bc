import type { Migration } from '../migrate.ts';
import { addresses } from './addresses.ts';
import { agentTasks } from './agent-tasks.ts';
import { blobChunks } from './blob-chunks.ts';
import { first } from './first.ts';
import { gitTimeout } from './git-timeout.ts';
import { governance } from './governance.ts';
import { labels } from './labels.ts';
import { ledger } from './ledger.ts';
import { notifications } from './notifications.ts';
import { retention } from './retention.ts';
import { workflows } from './workflows.ts';

/** All steps of the schema, in order. */
export const migrations: readonly Migration[] = [
  first,
  blobChunks,
  workflows,
  governance,
  ledger,
  notifications,
  agentTasks,
  labels,
  addresses,
  gitTimeout,
  retention,
];
