import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openFileBlobStore } from '../../../internal/blob/file-blob-store.ts';
import type { Attempt } from '../../../internal/domain/attempt.ts';
import type { NewTask, Task } from '../../../internal/domain/task.ts';
import { createSession } from '../../../internal/session/create-session.ts';
import { newAttempt } from '../../../internal/session/new-attempt.ts';
import { type Caller, type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import { type StatusReport, setStatus } from '../../../internal/session/set-status.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { openSqliteStore } from '../../../internal/store/sqlite-store.ts';
import { TestClock } from '../../../pkg/clock/test-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';

/** One session on a store in memory, with a clock that the test owns. */
export interface PlainWorld {
  readonly parts: SessionParts;
  readonly clock: TestClock;
  readonly sessionId: string;
  submit(more?: Partial<NewTask>): Promise<Task>;
  say(task: Task, report: StatusReport, caller?: Caller): Promise<Task>;
  /** Puts the task under an attempt with a lease, as a claim does. */
  lease(task: Task): Promise<Task>;
  attempt(task: Task): Promise<Attempt | null>;
  /** Types of the events of the session so far, oldest first. */
  events(): Promise<string[]>;
}

/** Makes one; it is closed when the test ends. */
export async function makePlainWorld(): Promise<PlainWorld> {
  const clock = new TestClock();
  const directory = mkdtempSync(join(tmpdir(), 'keruta-session-'));
  const store = await openSqliteStore({ file: ':memory:', clock, log: silentLog });
  const blob = openFileBlobStore({ directory, log: silentLog });
  onTestFinished(async () => {
    await store.close();
    await blob.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const parts: SessionParts = { store, blob, clock, random: systemRandom, log: silentLog };
  const session = await createSession(parts, systemCaller, { name: 'demo' });
  const wish = { sessionId: session.id, name: 'build', script: 'echo hi' };
  return {
    parts,
    clock,
    sessionId: session.id,
    submit: async (more = {}) => (await submitTask(parts, systemCaller, { ...wish, ...more })).task,
    say: (task, report, caller = systemCaller) => setStatus(parts, { caller, taskId: task.id }, report),
    lease: (task) =>
      store.transact(async (tx) => {
        const number = task.attempt + 1;
        const who = { reason: 'first', agentId: 'agent', claimId: 'c', leaseUntil: 45_000 } as const;
        await tx.putAttempt(newAttempt({ taskId: task.id, number, ...who, now: clock.now() }));
        const running: Task = { ...task, status: 'PROCESSING', attempt: number, startedAt: clock.now() };
        await tx.putTask(running);
        return running;
      }),
    attempt: async (task) => {
      const { attempt = 0 } = (await store.task(task.id)) ?? {};
      return store.attempt(task.id, attempt);
    },
    events: async () => (await store.events(session.id, 0, 1000)).map((event) => event.type),
  };
}
