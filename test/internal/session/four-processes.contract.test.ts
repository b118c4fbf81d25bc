import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createSession } from '../../../internal/session/create-session.ts';
import { systemCaller as caller, type SessionParts } from '../../../internal/session/parts.ts';
import { submitTask } from '../../../internal/session/submit.ts';
import { openPostgresStore } from '../../../internal/store/postgres-store.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { silentLog } from '../../../pkg/log/log.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { newSchema } from '../../pkg/postgres/new-schema.ts';

const program = join(import.meta.dirname, '../../fixtures/claiming-process.ts');
const isFull = process.env.KERUTA_SOAK === 'full';
const [processCount, sessionCount, tasksOfEach] = [4, 4, isFull ? 500 : 15];

test(
  'of four processes that claim from the same queues each task is given to one, once, and all of them get some',
  async () => {
    const { url, schema, remove } = await newSchema();
    onTestFinished(remove);
    const store = await openPostgresStore({ url, schema, clock: systemClock, log: silentLog });
    onTestFinished(() => store.close());
    const limits = { maxTasksPerMinute: 1_000_000, maxPendingTasks: 1_000_000 };
    const shared = { clock: systemClock, random: systemRandom, log: silentLog };
    const parts: SessionParts = { store, blob: null as never, ...shared, ...limits };
    const sessions: string[] = [];
    const tasks: string[] = [];
    for (let n = 0; n < sessionCount; n++) {
      const { id: sessionId } = await createSession(parts, caller, { name: `queue-${n}` });
      sessions.push(sessionId);
      for (let m = 0; m < tasksOfEach; m++) {
        const { task } = await submitTask(parts, caller, { sessionId, name: 't', script: 'true' });
        tasks.push(task.id);
      }
    }
    const claiming = Array.from({ length: processCount }, (_, n) => {
      // each begins at a queue of its own, and then meets the others at theirs
      const order = [...sessions.slice(n), ...sessions.slice(0, n)];
      const words = ['--no-warnings', program, url, schema, `agent-${n}`, ...order];
      const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      return { child, ready: once(child.stdout, 'data'), ended: once(child, 'close'), said: () => said };
    });
    await Promise.all(claiming.map(({ ready }) => ready));
    for (const { child } of claiming) child.stdin.end();
    const codes = await Promise.all(claiming.map(async ({ ended }) => (await ended)[0]));
    expect(codes).toEqual(claiming.map(() => 0));
    const got = claiming.map(({ said }) => said().split('\n').slice(1, -1));
    expect(got.flat().toSorted()).toEqual(tasks.toSorted());
    expect(got.map((ids) => ids.length > 0)).toEqual(got.map(() => true));
    const ends = await Promise.all(tasks.map((id) => store.task(id)));
    expect(new Set(ends.map((task) => `${task?.status} ${task?.attempt}`))).toEqual(new Set(['COMPLETED 1']));
  },
  isFull ? 600_000 : 240_000,
);
