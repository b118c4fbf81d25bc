import type { Receipt, RunRecord } from '../../../internal/worker/run-record.ts';
import { sessionOf, taskOf } from './fake-source.ts';

/** The record of a run as an agent writes it. @param id  of its task */
export function recordOf(id: string, attempt = 1): RunRecord {
  return {
    version: 1,
    task: { ...taskOf('exit 0'), id },
    session: sessionOf(),
    attempt,
    runId: `run-${id}`,
    token: null,
    environment: {},
    started: null,
  };
}

/** The receipt of a run that was reported. @param id  of its task */
export function receiptOf(id: string, over: Partial<Receipt> = {}): Receipt {
  const made = { version: 1, taskId: id, attempt: 1, state: 'reported', status: 'COMPLETED' } as const;
  return { ...made, streams: {}, artifacts: [], at: 1_800_000_000_000, ...over };
}
