/** How the pod of a runner ended. */
import type { Clock } from '../../../pkg/clock/clock.ts';
import { isUnreachable } from '../../../pkg/kubernetes/cluster-error.ts';
import type { JobWatch } from '../../executor/kubernetes/job-watch.ts';
import type { PodSight } from '../../executor/kubernetes/pod-state.ts';
import { PlaceLost } from './elsewhere.ts';

/** How often it is asked, and for how long a cluster that is away, or has not seen the end yet; ms. */
const [againMs, patienceMs] = [100, 60_000];

/** What was seen last. */
export interface LastSight {
  readonly sight: PodSight;
  /** of the runner's container; null: not known */
  readonly exitCode: number | null;
  /** what the cluster says; `''`: nothing */
  readonly message: string;
}

/** Asks until the cluster says how it ended. @throws {PlaceLost} it does not */
export async function lastSight({
  place: { clock },
  watch,
  pod: { name },
}: {
  readonly place: { readonly clock: Clock };
  readonly watch: JobWatch;
  readonly pod: { readonly name: string };
}): Promise<LastSight> {
  const from = clock.monotonicMs();
  for (;;) {
    let said = 'its pod is still there';
    try {
      const { sight, pod } = await watch.look(name);
      const state = pod?.status.containerStatuses[0]?.state.terminated;
      const message = pod?.status.message ?? '';
      if (sight !== 'alive' && sight !== 'coming')
        return { sight, exitCode: state?.exitCode ?? null, message };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      said = (error as Error).message;
    }
    if (clock.monotonicMs() - from >= patienceMs)
      throw new PlaceLost(
        `It cannot be known how the job ${name} ended: ${said}. A second start with the same --state looks again.`,
      );
    await clock.sleep(againMs);
  }
}

/** What is to be said when somebody took the pod away; null: nobody did. */
export function lostPlace(
  { sight, message }: LastSight,
  { job, namespace }: { readonly job: string; readonly namespace: string },
): PlaceLost | null {
  const where = `the pod of the job ${job} in the namespace ${namespace}`;
  if (sight === 'evicted')
    return new PlaceLost(
      `The cluster evicted ${where} while the task ran in it${message === '' ? '' : `: ${message}`}; the task can be tried again.`,
    );
  if (sight === 'deleted')
    return new PlaceLost(
      `Somebody deleted ${where}, or its node is gone, while the task ran in it; the task can be tried again.`,
    );
  return null;
}
