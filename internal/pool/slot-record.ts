import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceText } from '../../pkg/files/replace-text.ts';
import { isAlive } from '../../pkg/process/process-identity.ts';
import type { SlotPlace } from './places.ts';

/**
 * What is written down of a slot. States, in the order in which a slot goes through them:
 * - `cleaning`: somebody looks through it, and keeps what is worth it
 * - `filling`: nothing in it is worth keeping; it is being brought to a commit
 * - `leased`: it is handed out
 * - `free`: it stands at `base`
 */
const recordShape = z.object({
  repositoryUrl: z.string(),
  state: z.enum(['cleaning', 'filling', 'leased', 'free']),
  /** where it was brought to last */
  base: z.string().nullable(),
  lease: z.string().nullable(),
  requiredBy: z.string().nullable(),
  branch: z.string().nullable(),
  /** whose life the state depends on; null: nobody's */
  holder: z.object({ pid: z.number(), startTicks: z.number().nullable(), bootId: z.string() }).nullable(),
  /** epoch ms */
  leaseUntil: z.number(),
});

/** @see recordShape */
export type SlotRecord = z.output<typeof recordShape>;

/** What is taken for the record of a slot whose own cannot be read: anything may be in it, and nobody has it. */
const unreadable: SlotRecord = {
  repositoryUrl: '',
  state: 'cleaning',
  base: null,
  lease: null,
  requiredBy: null,
  branch: null,
  holder: null,
  leaseUntil: 0,
};

/** Reads the record of a slot; null when there is none. */
export function readRecord(place: SlotPlace): SlotRecord | null {
  let text: string;
  try {
    text = readFileSync(place.record, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return recordShape.safeParse(JSON.parse(text)).data ?? unreadable;
  } catch {
    return unreadable;
  }
}

/** Writes the record of a slot; survives the loss of power. */
export function writeRecord(place: SlotPlace, record: SlotRecord): void {
  replaceText(place.record, `${JSON.stringify(record)}\n`, { sync: true });
}

/** Whether nobody has the slot, and nobody is busy with it. @param now  epoch ms */
export function isAbandoned(record: SlotRecord, now: number): boolean {
  if (record.state === 'free') return false;
  if (record.holder !== null && isAlive(record.holder)) return false;
  return record.state !== 'leased' || record.leaseUntil <= now;
}
