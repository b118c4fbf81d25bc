/** All queries, shared by both adapters: what may be read, and what may be written inside a transaction. */
import type { Reads, Transaction } from '../store.ts';
import type { Db } from '../tables.ts';
import { agentReads, agentWrites } from './agents.ts';
import { apartOf } from './apart.ts';
import { approvalReads, approvalWrites } from './approvals.ts';
import { artifactReads, artifactWrites } from './artifacts.ts';
import { attemptReads, attemptWrites } from './attempts.ts';
import { auditReads, auditWrites } from './audit.ts';
import { confirmationReads, confirmationWrites } from './confirmations.ts';
import { costReads, costWrites } from './costs.ts';
import { documentReads, documentWrites } from './documents.ts';
import { eventReads, eventWrites } from './events.ts';
import { figureReads } from './figures.ts';
import { governanceReads, governanceWrites } from './governance.ts';
import { holdReads, holdWrites } from './holds.ts';
import { inputReads, inputWrites } from './inputs.ts';
import { ledgerReads, ledgerWrites } from './ledger.ts';
import { logReads, logWrites } from './logs.ts';
import { metaReads, metaWrites } from './meta.ts';
import { needReads, needWrites } from './needs.ts';
import { notificationReads, notificationWrites } from './notifications.ts';
import { occurrenceReads, occurrenceWrites } from './occurrences.ts';
import { reportReads, reportWrites } from './reports.ts';
import { repositoryReads, repositoryWrites } from './repositories.ts';
import { retentionReads, retentionWrites } from './retention.ts';
import { sessionLogReads, sessionLogWrites } from './session-logs.ts';
import { sessionReads, sessionWrites } from './sessions.ts';
import { taskReads, taskWrites } from './tasks.ts';
import { tokenReads, tokenWrites } from './tokens.ts';
import { triggerReads, triggerWrites } from './triggers.ts';
import { workflowReads, workflowWrites } from './workflows.ts';

/** Everything that writes rows; the rest of a transaction is the adapter's. */
export type Writes = Omit<
  Transaction,
  keyof Reads | 'lockSession' | 'takeTrigger' | 'lockTrigger' | 'takeLedger' | 'notify'
>;

/** The reads over one kysely. */
export function readsOver(db: Db): Reads {
  return {
    ...sessionReads(db),
    ...taskReads(db),
    ...needReads(db),
    ...attemptReads(db),
    ...logReads(db),
    ...artifactReads(db),
    ...inputReads(db),
    ...tokenReads(db),
    ...agentReads(db),
    ...eventReads(db),
    ...sessionLogReads(db),
    ...auditReads(db),
    ...documentReads(db),
    ...repositoryReads(db),
    ...metaReads(db),
    ...workflowReads(db),
    ...triggerReads(db),
    ...occurrenceReads(db),
    ...confirmationReads(db),
    ...reportReads(db),
    ...governanceReads(db),
    ...costReads(db),
    ...approvalReads(db),
    ...figureReads(db),
    ...holdReads(db),
    ...ledgerReads(db),
    ...notificationReads(db),
    ...retentionReads(db),
  };
}

/** The writes over one kysely, which must be inside a transaction. */
export function writesOver(db: Db): Writes {
  return {
    ...apartOf(db),
    ...sessionWrites(db),
    ...taskWrites(db),
    ...needWrites(db),
    ...attemptWrites(db),
    ...logWrites(db),
    ...artifactWrites(db),
    ...inputWrites(db),
    ...tokenWrites(db),
    ...agentWrites(db),
    ...eventWrites(db),
    ...sessionLogWrites(db),
    ...auditWrites(db),
    ...documentWrites(db),
    ...repositoryWrites(db),
    ...metaWrites(db),
    ...workflowWrites(db),
    ...triggerWrites(db),
    ...occurrenceWrites(db),
    ...confirmationWrites(db),
    ...reportWrites(db),
    ...governanceWrites(db),
    ...costWrites(db),
    ...approvalWrites(db),
    ...holdWrites(db),
    ...ledgerWrites(db),
    ...notificationWrites(db),
    ...retentionWrites(db),
  };
}
