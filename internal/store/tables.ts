import type { Kysely } from 'kysely';
import type { NeedState } from '../domain/task.ts';
import type * as governance from './governance-nouns.ts';
import type { notificationRow } from './notification-store.ts';
import type * as nouns from './nouns.ts';
import type { LedgerColumns } from './queries/ledger.ts';
import type { RowOf } from './row.ts';
import type * as workflows from './workflow-nouns.ts';

/** The tables, as kysely sees them; `migrations/` makes them. */
export interface Tables {
  sessions: RowOf<typeof nouns.sessionRow> & { name_folded: string };
  tasks: RowOf<typeof nouns.taskRow> & { idempotency_key: string | null; fingerprint: string | null };
  task_needs: { needed_id: string; task_id: string; state: NeedState };
  attempts: RowOf<typeof nouns.attemptRow> & StreamColumns & { session_id: string };
  task_logs: RowOf<typeof nouns.taskLogRow>;
  artifacts: RowOf<typeof nouns.artifactRow>;
  input_requests: RowOf<typeof nouns.inputRequestRow>;
  tokens: RowOf<typeof nouns.tokenRow>;
  agents: RowOf<typeof nouns.agentRow>;
  events: RowOf<typeof nouns.eventRow>;
  /** last event number of each session; outlives the session, so that numbers never start again */
  event_counters: { session_id: string; last_seq: number };
  session_logs: RowOf<typeof nouns.sessionLogRow>;
  audit: RowOf<typeof nouns.auditRow>;
  documents: RowOf<typeof nouns.documentRow> & { title_folded: string };
  repositories: RowOf<typeof nouns.repositoryRow> & { name_folded: string; url_folded: string };
  workflows: RowOf<typeof workflows.workflowRow>;
  workflow_versions: RowOf<typeof workflows.workflowVersionRow>;
  triggers: RowOf<typeof workflows.triggerRow>;
  occurrences: RowOf<typeof workflows.occurrenceRow>;
  trigger_events: RowOf<typeof workflows.triggerEventRow>;
  trigger_confirmations: RowOf<typeof workflows.confirmationRow>;
  reports: RowOf<typeof workflows.reportRow>;
  policies: RowOf<typeof governance.policyRow>;
  /** what is used up of a limit within its day or hour */
  limit_counters: { key: string; used: number; updated_at: number };
  workflow_histories: RowOf<typeof governance.workflowHistoryRow>;
  reservations: RowOf<typeof governance.reservationRow>;
  costs: RowOf<typeof governance.costRow>;
  approvals: RowOf<typeof governance.approvalRow>;
  holds: RowOf<typeof workflows.holdRow>;
  notifications: RowOf<typeof notificationRow>;
  /** how often in a row something failed; one that succeeded has no row */
  failure_streaks: { subject: string; failures: number; since: number };
  ledger: LedgerColumns;
  ledger_ends: { name: string; seq: number; hash: string };
  /** a value goes with its task, or after a time; both null = it stays */
  meta: { name: string; value: string; task_id: string | null; forget_at: number | null };
  /** bytes of tasks whose rows are gone, until they are gone too */
  removals: { task_id: string; at: number };
  schema_versions: { version: number; name: string; applied_at: number };
}

/** What is here of the two streams of an attempt. */
export interface StreamColumns {
  stdout_size: number;
  stdout_crc32: number;
  stdout_lost_bytes: number;
  stderr_size: number;
  stderr_crc32: number;
  stderr_lost_bytes: number;
}

/** A kysely over either database. */
export type Db = Kysely<Tables>;
