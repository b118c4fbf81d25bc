import { NotFoundError } from '../domain/errors.ts';
import type { OccurrenceSource } from '../domain/workflow.ts';
import { type Fired, fireIn } from './fire.ts';
import type { SessionParts } from './parts.ts';

/** Something from outside that fires a trigger. Whoever hands it in has made sure that it is what it says. */
export interface EventWish {
  readonly triggerId: string;
  readonly source: OccurrenceSource;
  /** unique within the trigger: the same delivery again is the same occurrence */
  readonly key: string;
  /** such as `push`; `''` when there is only one kind */
  readonly kind: string;
  /** what the task reads as a file */
  readonly data: Readonly<Record<string, unknown>>;
  /** when it happened, as far as its sender says; epoch ms; default now */
  readonly at?: number;
  /** over those of the workflow */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** whether it does not count: it is on record as filtered, and its data is not kept */
  readonly isFiltered?: boolean;
  /** why not, in one word; goes on record */
  readonly filteredBy?: string;
  /** whether it comes again when it is refused for now: then nothing of it is kept. @see Firing.isHandedInAgain */
  readonly isHandedInAgain?: boolean;
  /** another key that it may be on record under: it is, when that one was decided at or after `since`; epoch ms */
  readonly before?: { readonly key: string; readonly since: number };
  /** put on record with it */
  readonly details?: Readonly<Record<string, unknown>>;
  /** who handed it in; default `system` */
  readonly actor?: string;
}

/**
 * Fires a trigger by an event: event, occurrence and task are written together, or nothing is.
 * @throws {NotFoundError} KERUTA_ERR_TRIGGER_NOT_FOUND
 * @throws {UnavailableError} KERUTA_ERR_RATE_LIMITED, KERUTA_ERR_QUEUE_FULL with `isHandedInAgain` only
 */
export async function fireEvent(parts: SessionParts, wish: EventWish): Promise<Fired> {
  const { triggerId, source, key, kind, data, actor = 'system' } = wish;
  const now = await parts.store.now();
  const at = wish.at ?? now;
  return parts.store.transact(async (tx) => {
    await tx.lockTrigger(triggerId);
    const trigger = await tx.trigger(triggerId);
    const workflow = trigger === null ? null : await tx.workflow(trigger.workflowId);
    if (trigger === null || workflow === null)
      throw new NotFoundError('KERUTA_ERR_TRIGGER_NOT_FOUND', `There is no trigger ${triggerId}.`);
    const earlier = wish.before === undefined ? null : await tx.occurrence(triggerId, wish.before.key);
    if (earlier !== null && wish.before !== undefined && earlier.decidedAt >= wish.before.since)
      return { occurrence: earlier, task: null, isNew: false };
    return fireIn(tx, parts, {
      ...{ trigger, workflow, key, source, nominalAt: at, effectiveAt: at, now, actor },
      reason: 'event',
      event: { id: parts.random.uuid7(now), triggerId, kind, at: now, data },
      ...(wish.details === undefined ? {} : { details: wish.details }),
      ...(wish.parameters === undefined ? {} : { parameters: wish.parameters }),
      isFiltered: wish.isFiltered ?? false,
      ...(wish.filteredBy === undefined ? {} : { filteredBy: wish.filteredBy }),
      isHandedInAgain: wish.isHandedInAgain ?? false,
    });
  });
}
