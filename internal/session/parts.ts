import type { Clock } from '../../pkg/clock/clock.ts';
import type { GithubApp } from '../../pkg/github/app.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import type { BlobStore } from '../blob/blob.ts';
import type { LeaseTiming } from '../domain/attempt.ts';
import type { NotifyDefaults } from '../domain/notification.ts';
import type { Policy } from '../domain/policy.ts';
import type { TokenScope } from '../domain/records.ts';
import type { RetryDefaults } from '../domain/retry.ts';
import type { Channel } from '../notify/channel.ts';
import type { Store } from '../store/store.ts';
import type { TriggerHost } from '../trigger/trigger-type.ts';
import type { SecondMask } from './second-mask.ts';

/** What the verbs of this room work with. */
export interface SessionParts {
  readonly store: Store;
  readonly blob: BlobStore;
  /** for waiting only: times that are stored come from the store */
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** absent = `defaultTiming` */
  readonly timing?: LeaseTiming;
  /** fix tasks of one session; absent = `defaultFixesPerHour`; 0 = none */
  readonly maxFixesPerHour?: number;
  /** new tasks of one session in a minute, as many at once; absent = `defaultTasksPerMinute` */
  readonly maxTasksPerMinute?: number;
  /** tasks of one session that wait to be run; absent = `defaultPendingTasks` */
  readonly maxPendingTasks?: number;
  /** IANA name of the default time zone of triggers; absent = UTC */
  readonly timeZone?: string;
  /** what holds for a workflow as far as its own policy does not say; absent or null = nothing */
  readonly policyDefaults?: Policy | null;
  /** how failed runs are repeated where a workflow that is applied does not say; absent = `workflowDefaults.retry` */
  readonly retryDefaults?: RetryDefaults;
  /** what triggers get to know of this server; absent = others reach it, and it has no secrets for them */
  readonly triggerHost?: TriggerHost;
  /** absent = deliveries of GitHub are not taken */
  readonly github?: GithubParts;
  /** how people are told; absent = the server has no channels */
  readonly notify?: NotifyParts;
  /** rows of the ledger that are read or sealed at once; absent = `defaultLedgerBatch` */
  readonly ledgerBatch?: number;
  /** how long entries of the ledger stay; ms; absent = `defaultLedgerKeepMs` */
  readonly ledgerKeepMs?: number;
  /** how long tasks that have ended stay, with their output; ms; absent or null = for ever */
  readonly tasksKeepMs?: number | null;
  /** largest artifact; bytes; absent = 100 MiB */
  readonly maxArtifactBytes?: number;
  /** whether this server tells spans of traces; absent = it does not */
  readonly isTraced?: boolean;
  /** masks what clients say once more; absent = knows no secret of the server's own */
  readonly secondMask?: SecondMask;
  /** of one stream a view shows; absent = `defaultLogViewBytes` */
  readonly maxLogViewBytes?: number;
}

/** What the server has to do with GitHub. */
export interface GithubParts {
  /** of its webhook; each of them is valid */
  readonly secrets: readonly string[];
  /** null: none is set up */
  readonly app: GithubApp | null;
  /** the address by which people reach this server, without a slash at its end; null = not known */
  readonly publicUrl: string | null;
}

/** How a server tells people what happens. */
export interface NotifyParts {
  readonly channels: readonly Channel[];
  /** what holds where a workflow says nothing */
  readonly defaults: NotifyDefaults;
  /** the address by which people reach this server, without a slash at its end; null = not known */
  readonly publicUrl: string | null;
}

/** Who asks: the token of the request, as far as the verbs need it. */
export interface Caller {
  /** for the audit: token id, or `system` */
  readonly actor: string;
  /** IP address of the client, for the audit; absent = nobody asked from outside */
  readonly address?: string;
  readonly scope: TokenScope;
  /** the only session it may see; null = all */
  readonly sessionId: string | null;
  /** the only task it may see; null = all of its session */
  readonly taskId: string | null;
  /** the only attempt it may write for; null = any */
  readonly attempt: number | null;
  /** what it may approve; absent = nothing but what its scope may */
  readonly role?: string | null;
}

/** Who asked, and from where, as records name it. */
export function whoOf({
  actor,
  address = null,
}: {
  readonly actor: string;
  readonly address?: string | null;
}) {
  return { actor, address };
}

/** The server itself, when a sweep or a rule acts. */
export const systemCaller: Caller = {
  actor: 'system',
  scope: 'admin',
  sessionId: null,
  taskId: null,
  attempt: null,
};
