/** The list of routes: one file each, one line each. A route that is not named here does not exist. */
import type { Route } from './route.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { attemptRoutes } from './routes/attempts.ts';
import { auditRoutes } from './routes/audit.ts';
import { autoFixRoutes } from './routes/auto-fix.ts';
import { costRoutes } from './routes/costs.ts';
import { deploymentRoutes } from './routes/deployments.ts';
import { documentRoutes } from './routes/documents.ts';
import { eventRoutes } from './routes/events.ts';
import { githubRoutes } from './routes/github.ts';
import { governanceRoutes } from './routes/governance.ts';
import { holdRoutes } from './routes/holds.ts';
import { inputRoutes } from './routes/inputs.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { rawLogRoutes } from './routes/raw-log.ts';
import { realtimeRoutes } from './routes/realtime.ts';
import { repositoryRoutes } from './routes/repositories.ts';
import { sessionLogRoutes } from './routes/session-logs.ts';
import { sessionSearchRoutes } from './routes/session-search.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { streamRoutes } from './routes/streams.ts';
import { taskEventRoutes } from './routes/task-event.ts';
import { taskListRoutes } from './routes/task-lists.ts';
import { taskLogRoutes } from './routes/task-logs.ts';
import { taskStatusRoutes } from './routes/task-status.ts';
import { taskVerbRoutes } from './routes/task-verbs.ts';
import { taskRoutes } from './routes/tasks.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { triggerStateRoutes } from './routes/trigger-state.ts';
import { triggerTrialRoutes } from './routes/trigger-trials.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { watchRoutes } from './routes/watches.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { workflowRoutes } from './routes/workflows.ts';
import { workspaceRoutes } from './routes/workspaces.ts';

/** Every route that does not speak about the server itself (those are in `routes/about.ts`). */
export const routes: readonly Route[] = [
  ...sessionRoutes,
  ...sessionSearchRoutes,
  ...sessionLogRoutes,
  ...workspaceRoutes,
  ...taskRoutes,
  ...taskEventRoutes,
  ...taskListRoutes,
  ...taskStatusRoutes,
  ...taskLogRoutes,
  ...artifactRoutes,
  ...attemptRoutes,
  ...autoFixRoutes,
  ...eventRoutes,
  ...inputRoutes,
  ...rawLogRoutes,
  ...realtimeRoutes,
  ...streamRoutes,
  ...taskVerbRoutes,
  ...uploadRoutes,
  ...documentRoutes,
  ...repositoryRoutes,
  ...tokenRoutes,
  ...workflowRoutes,
  ...webhookRoutes,
  ...triggerStateRoutes,
  ...triggerTrialRoutes,
  ...deploymentRoutes,
  ...githubRoutes,
  ...watchRoutes,
  ...governanceRoutes,
  ...costRoutes,
  ...holdRoutes,
  ...ledgerRoutes,
  ...auditRoutes,
  ...notificationRoutes,
];
