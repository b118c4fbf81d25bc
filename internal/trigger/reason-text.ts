import type { OccurrenceReason } from '../domain/workflow.ts';

const texts: Readonly<Partial<Record<OccurrenceReason, string>>> = {
  due: 'it was due',
  caught_up: 'it was made good',
  asked: 'somebody asked for it',
  event: 'something happened that it waits for',
  disabled: 'it is switched off, or its workflow is',
  paused: 'it is held; `keruta trigger resume` lets it go on',
  missed: 'no server was there when it was due, and its catchUp does not make that good',
  missed_window: 'no server was there when it was due, longer ago than its catchUpWindow',
  missed_limit: 'no server was there when it was due, and more was missed than its catchUpMax',
  overlap_skipped: 'a task of it was not finished yet, and its overlap does not let two be',
  session_closed: 'its session is closed',
  queue_full: 'its session takes no more tasks for now',
  filtered: 'its filters did not let the event pass',
  failed: 'its task could not be made',
};

/** Why something ran or did not, for people. */
export function reasonText(reason: OccurrenceReason): string {
  return texts[reason] ?? reason;
}
