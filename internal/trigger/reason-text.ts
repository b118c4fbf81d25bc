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
  shadow: 'its policy is in shadow mode: everything was judged, nothing is run',
  outside_hours: 'its policy allows other hours',
  repository_refused: 'its policy does not allow the repository',
  executor_refused: 'its policy does not allow what would run it',
  breaker_open:
    'too many runs of it failed; it waits until its breaker lets a probe through, or `keruta breaker reset`',
  breaker_probe_in_flight: 'a probe runs that decides whether its breaker closes',
  cooldown: 'it ran a short while ago, and its cooldown is not over',
  run_limit: 'as many runs as its policy allows have started in this day or hour',
  cost_limit: 'what was spent and reserved today leaves no room for one more run',
  cost_unknown:
    'a policy limits its cost, and nothing tells what a run costs; set costEstimate or maxCostPerRun',
  concurrency: 'as many tasks as its policy allows wait or run already',
  approval_asked: 'somebody has to approve it; `keruta approval list`',
  governance_unavailable: 'what its policy counts could not be read',
};

/** Why something ran or did not, for people. */
export function reasonText(reason: OccurrenceReason): string {
  return texts[reason] ?? reason;
}
