/** How much a fault row does: a little in the selection of every test run, all of it in `npm run faults`. */
import { appendFileSync } from 'node:fs';

/** Whether everything runs (`FAULTS=full`). */
export const isFull = process.env.FAULTS === 'full';

/** How many rounds. @param full  in `npm run faults` */
export function rounds(few: number, full: number): number {
  return isFull ? full : few;
}

/** A seed for what is random in a row: FAULTS_SEED repeats one. It stands in the message of a row that failed. */
export const seed = Number(process.env.FAULTS_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A generator of numbers from 0 to below 1 that gives the same ones for the same seed (mulberry32). */
export function chance(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One round of {@link inLanes}. */
export interface Round {
  /** from 0 */
  readonly round: number;
  /** the lane that it is in, from 0 */
  readonly lane: number;
  /** of this lane: the same numbers again for the same seed */
  readonly random: () => number;
}

/**
 * Does rounds, several at a time: most of one is waiting. After one that failed no other begins.
 * @throws what the first lane with a failure threw
 */
export async function inLanes(
  { count, lanes }: { readonly count: number; readonly lanes: number },
  one: (round: Round) => Promise<void>,
): Promise<void> {
  let isBroken = false;
  const run = async (lane: number) => {
    const random = chance(seed + lane);
    for (let round = lane; round < count && !isBroken; round += lanes) {
      await one({ round, lane, random }).catch((error: unknown) => {
        isBroken = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => run(lane)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** What a row measured. */
export interface Tally {
  /** such as `F-01` */
  readonly row: string;
  readonly rounds: number;
  /** lines of ledgers that were compared */
  readonly lines?: number;
  /** what was measured beside, such as `worst time to adopt: 0.8 s` */
  readonly note?: string;
}

/** Adds a row to the report that FAULTS_REPORT names; `npm run faults` prints it. */
export function tally(entry: Tally): void {
  const { FAULTS_REPORT } = process.env;
  if (FAULTS_REPORT) appendFileSync(FAULTS_REPORT, `${JSON.stringify(entry)}\n`);
}
