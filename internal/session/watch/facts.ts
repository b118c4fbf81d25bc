import type { Attempt } from '../../domain/attempt.ts';
import type { CostEntry } from '../../domain/governance.ts';
import type { Notification } from '../../domain/notification.ts';
import type { Task } from '../../domain/task.ts';
import type { Occurrence, Trigger } from '../../domain/workflow.ts';

/** Something that a transaction made true. Told after the commit, and only then; a transaction may tell several. */
export type Fact =
  /** a trigger came to be, or its definition changed */
  | { readonly kind: 'registered'; readonly trigger: Trigger }
  | { readonly kind: 'occurred'; readonly occurrence: Occurrence }
  /** an attempt was claimed for the first time */
  | { readonly kind: 'started'; readonly task: Task; readonly attempt: Attempt }
  /** a task told what something cost; told again, it is the same cost, and no fact */
  | { readonly kind: 'spent'; readonly cost: CostEntry }
  /** a task came to its end, and is not run again by itself */
  | { readonly kind: 'ended'; readonly task: Task }
  /** the agent of an attempt was not heard of in time */
  | { readonly kind: 'lost'; readonly attempt: Attempt }
  /** a message to people was tried; `waiting`: it is tried again */
  | { readonly kind: 'told'; readonly channel: string; readonly state: Notification['state'] };
