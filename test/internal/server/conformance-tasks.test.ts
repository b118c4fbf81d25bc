/** The plain protocol, rows about tasks and what hangs on them. */
import { describe, expect } from 'vitest';
import { type Row, runRows } from './conformance-rows.ts';

const rows: readonly Row[] = [
  [
    23,
    'a task is submitted in the older words too',
    async ({ call, session }) => {
      const { id } = await session();
      const body = { session: id, title: 'build', script: 'echo hi', priority: 2 };
      expect(await call('POST', 'tasks', body)).toMatchObject({
        status: 201,
        body: {
          sessionId: id,
          name: 'build',
          title: 'build',
          status: 'PENDING',
          progress: 0,
          errorCode: '',
          priority: 2,
          message: '',
          description: '',
          parentTaskId: null,
          parameters: {},
        },
      });
    },
  ],
  [
    24,
    'a task without a session, and one without a name, is a 400',
    async ({ call, session }) => {
      const { id } = await session();
      expectStatus(await call('POST', 'tasks', { name: 'x' }), 400);
      expectStatus(await call('POST', 'tasks', { sessionId: id, name: '  ' }), 400);
      expectStatus(await call('POST', 'tasks', { sessionId: 'nope', name: 'x' }), 404);
    },
  ],
  [
    25,
    'a task is read by its id; an unknown one is a 404',
    async ({ call, task }) => {
      const { id } = await task();
      expect(await call('GET', `tasks/${id}`)).toMatchObject({
        status: 200,
        body: { id, createdAt: expect.any(String) },
      });
      expectStatus(await call('GET', 'tasks/none'), 404);
    },
  ],
  [
    26,
    'IN_PROGRESS is taken and given back as PROCESSING',
    async ({ call, task }) => {
      const { id } = await task();
      const answer = await call('PUT', `tasks/${id}/status`, { status: 'IN_PROGRESS', message: 'go' });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'PROCESSING', message: 'go', progress: 0 },
      });
    },
  ],
  [
    27,
    'progress is reported by saying the running status again; a message left out is empty',
    async ({ call, task }) => {
      const { id } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'IN_PROGRESS', message: 'go' });
      const answer = await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING', progress: 50 });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'PROCESSING', progress: 50, message: '' },
      });
    },
  ],
  [
    28,
    'progress left out is 0',
    async ({ call, task }) => {
      const { id } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING', progress: 50 });
      const answer = await call('PUT', `tasks/${id}/status`, { status: 'IN_PROGRESS' });
      expect(answer).toMatchObject({ status: 200, body: { progress: 0 } });
    },
  ],
  [
    29,
    'COMPLETED ends a task with the progress that was given',
    async ({ call, task }) => {
      const { id } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' });
      const done = { status: 'COMPLETED', message: 'ok', progress: 100 };
      expect(await call('PUT', `tasks/${id}/status`, done)).toMatchObject({
        status: 200,
        body: { ...done, finishedAt: expect.any(String) },
      });
      expectStatus(await call('PUT', `tasks/${id}/status`, { status: 'COMPLETED' }), 200);
    },
  ],
  [
    30,
    'FAILED carries its error code, also straight from PENDING',
    async ({ call, task }) => {
      const { id } = await task();
      const bad = { status: 'FAILED', message: 'bad', errorCode: 'E1' };
      expect(await call('PUT', `tasks/${id}/status`, bad)).toMatchObject({ status: 200, body: bad });
    },
  ],
  [
    31,
    'an unknown status and a missing one are 400s',
    async ({ call, task }) => {
      const { id } = await task();
      expectStatus(await call('PUT', `tasks/${id}/status`, { status: 'NOPE' }), 400);
      expectStatus(await call('PUT', `tasks/${id}/status`, {}), 400);
    },
  ],
  [
    32,
    'a task does not leave its end',
    async ({ call, task }) => {
      const { id } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'COMPLETED' });
      expectStatus(await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' }), 409);
      expectStatus(await call('PUT', `tasks/${id}/status`, { status: 'FAILED' }), 409);
    },
  ],
  [
    33,
    'WAITING_FOR_INPUT is a running status',
    async ({ call, task }) => {
      const { id } = await task();
      const waiting = { status: 'WAITING_FOR_INPUT', message: 'm', progress: 50 };
      expect(await call('PUT', `tasks/${id}/status`, waiting)).toMatchObject({ status: 200, body: waiting });
    },
  ],
  [
    34,
    'the status of an unknown task is a 404',
    async ({ call }) => expectStatus(await call('PUT', 'tasks/none/status', { status: 'FAILED' }), 404),
  ],
  [
    35,
    'a script comes with its file name and language',
    async ({ call, task }) => {
      const { id } = await task();
      expect(await call('GET', `tasks/${id}/script`)).toMatchObject({
        status: 200,
        body: {
          success: true,
          taskId: id,
          script: { content: 'echo hi', language: 'bash', filename: 'task.sh', parameters: {} },
        },
      });
    },
  ],
  [
    36,
    'the script of an unknown task is a 404',
    async ({ call }) => expectStatus(await call('GET', 'tasks/none/script'), 404),
  ],
  [
    37,
    'a log line gets its defaults',
    async ({ call, task }) => {
      const { id, sessionId } = await task();
      expect(await call('POST', `tasks/${id}/logs`, { level: 'INFO', message: 'one' })).toMatchObject({
        status: 201,
        body: { taskId: id, sessionId, level: 'INFO', source: 'task', message: 'one', metadata: {} },
      });
    },
  ],
  [
    38,
    'levels are read in any case and under the names of other loggers',
    async ({ call, task }) => {
      const { id } = await task();
      for (const [said, kept] of [
        ['warn', 'WARN'],
        ['WARNING', 'WARN'],
        ['panic', 'FATAL'],
      ]) {
        const answer = await call('POST', `tasks/${id}/logs`, { level: said, message: 'w' });
        expect(answer).toMatchObject({ status: 201, body: { level: kept } });
      }
    },
  ],
  [
    39,
    'an unknown level is a 400',
    async ({ call, task }) => {
      const { id } = await task();
      expectStatus(await call('POST', `tasks/${id}/logs`, { level: 'LOUD', message: 'x' }), 400);
    },
  ],
  [
    40,
    'a log line of an unknown task is a 404',
    async ({ call }) =>
      expectStatus(await call('POST', 'tasks/unknown-task/logs', { level: 'INFO', message: 'x' }), 404),
  ],
  [
    41,
    'log lines come newest first and by level',
    async ({ call, task }) => {
      const { id } = await task();
      for (const [level, message] of [
        ['INFO', 'one'],
        ['ERROR', 'two'],
        ['INFO', 'three'],
      ]) {
        await call('POST', `tasks/${id}/logs`, { level, message });
      }
      expect(messages(await call('GET', `tasks/${id}/logs`))).toEqual(['three', 'two', 'one']);
      expect(messages(await call('GET', `tasks/${id}/logs?level=ERROR`))).toEqual(['two']);
      expectStatus(await call('GET', `tasks/${id}/logs?level=LOUD`), 400);
    },
  ],
  [
    42,
    'log lines are counted and removed',
    async ({ call, task }) => {
      const { id } = await task();
      await call('POST', `tasks/${id}/logs`, { level: 'INFO', message: 'one' });
      expect((await call('GET', `tasks/${id}/logs/count`)).body).toEqual({ count: 1 });
      expectStatus(await call('DELETE', `tasks/${id}/logs`), 204);
      expect((await call('GET', `tasks/${id}/logs/count`)).body).toEqual({ count: 0 });
    },
  ],
  [
    43,
    'a batch of log lines keeps its order',
    async ({ call, task }) => {
      const { id } = await task();
      const logs = Array.from({ length: 50 }, (_, index) => ({
        level: index % 2 ? 'INFO' : 'ERROR',
        message: `${index}`,
      }));
      expectStatus(await call('POST', `tasks/${id}/logs/batch`, { logs }), 201);
      const kept = messages(await call('GET', `tasks/${id}/logs`));
      expect(kept.toReversed()).toEqual(logs.map((log) => log.message));
    },
  ],
  [
    44,
    'an artifact is uploaded as a form',
    async ({ call, task }) => {
      const { id } = await task();
      expect(await call('POST', `tasks/${id}/artifacts`, form('r.txt', '123456', 'memo'))).toMatchObject({
        status: 201,
        body: { taskId: id, name: 'r.txt', size: 6, description: 'memo' },
      });
    },
  ],
  [
    45,
    'the description may be left out, the file may not',
    async ({ call, task }) => {
      const { id } = await task();
      expectStatus(await call('POST', `tasks/${id}/artifacts`, form('r.txt', '123456')), 201);
      const empty = new FormData();
      empty.append('description', 'memo');
      expectStatus(await call('POST', `tasks/${id}/artifacts`, empty), 400);
    },
  ],
  [
    46,
    'a file over the limit is a 413',
    async ({ call, task }) => {
      const { id } = await task();
      expectStatus(await call('POST', `tasks/${id}/artifacts`, form('r.txt', 'x'.repeat(1_000))), 201);
      expectStatus(await call('POST', `tasks/${id}/artifacts`, form('big.txt', 'x'.repeat(1_001))), 413);
    },
  ],
  [
    47,
    'a file name never becomes a path',
    async ({ call, task }) => {
      const { id } = await task();
      const { status, body } = await call('POST', `tasks/${id}/artifacts`, form('../../x', '123456'));
      expect([status, body.name]).toEqual([201, 'x']);
    },
  ],
  [
    48,
    'a question makes its task wait',
    async ({ call, task }) => {
      const { id } = await task();
      await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' });
      expectStatus(await call('POST', `tasks/${id}/input-request`, { prompt: 'name?' }), 200);
      expect((await call('GET', `tasks/${id}`)).body.status).toBe('WAITING_FOR_INPUT');
    },
  ],
  [
    49,
    'before an answer there is no input',
    async ({ call, task }) => {
      const { id } = await task();
      await call('POST', `tasks/${id}/input-request`, { prompt: 'name?' });
      expect([204, 404]).toContain((await call('GET', `tasks/${id}/input`)).status);
    },
  ],
  [
    50,
    'an answer is fetched once, with a newline',
    async ({ call, task }) => {
      const { id } = await task();
      await call('POST', `tasks/${id}/input-request`, { prompt: 'name?' });
      expectStatus(await call('POST', `tasks/${id}/input`, { input: 'Bob' }), 200);
      expect(await call('GET', `tasks/${id}/input`)).toMatchObject({ status: 200, body: { input: 'Bob\n' } });
      expect([204, 404]).toContain((await call('GET', `tasks/${id}/input`)).status);
    },
  ],
  [
    51,
    'a failed task begets a fix task',
    async ({ call, task }) => {
      const { id, sessionId } = await task({ priority: 2 });
      expect(
        await call('POST', `tasks/${id}/auto-fix`, { errorMessage: 'bad', errorCode: '' }),
      ).toMatchObject({
        status: 201,
        body: { sessionId, name: '【自動修正】build', parentTaskId: id, priority: 2, status: 'PENDING' },
      });
    },
  ],
  [
    52,
    'the fourth fix task of a chain is not made',
    async ({ call, task }) => {
      let { id } = await task();
      for (const errorMessage of ['first', 'second', 'third']) {
        await call('PUT', `tasks/${id}/status`, { status: 'PROCESSING' });
        const fix = await call('POST', `tasks/${id}/auto-fix`, { errorMessage, errorCode: 'E' });
        expectStatus(fix, 201);
        await call('PUT', `tasks/${id}/status`, { status: 'FAILED', message: errorMessage });
        id = fix.body.id;
      }
      const fourth = await call('POST', `tasks/${id}/auto-fix`, { errorMessage: 'fourth', errorCode: 'E' });
      expect(fourth).toMatchObject({ status: 200, body: { created: false } });
    },
  ],
  [
    53,
    'a subtask stays in the session of its parent',
    async ({ call, task }) => {
      const { id, sessionId } = await task();
      const child = await call('POST', `tasks/${id}/subtasks`, { name: 'c' });
      expect(child).toMatchObject({ status: 201, body: { parentTaskId: id, sessionId, name: 'c' } });
      const { status, body } = await call('GET', `tasks/${id}/subtasks`);
      expect([status, body.map((each: { id: string }) => each.id)]).toEqual([200, [child.body.id]]);
    },
  ],
];

function form(name: string, content: string, description?: string): FormData {
  const data = new FormData();
  data.append('file', new Blob([content], { type: 'application/octet-stream' }), name);
  if (description !== undefined) data.append('description', description);
  return data;
}

function messages(answer: { body: readonly { message: string }[] }): string[] {
  return answer.body.map((log) => log.message);
}

function expectStatus(answer: { status: number; body: unknown }, status: number): void {
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  if (status >= 400) expect(answer.body).toMatchObject({ error: { code: expect.any(String), status } });
}

describe('plain protocol: tasks', () => runRows(rows));
