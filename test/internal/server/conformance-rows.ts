import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, startServer, type TestServer } from './start-server.ts';

/** What the rows of a conformance table work with. */
export interface Client {
  readonly server: TestServer;
  readonly call: TestServer['call'];
  /** Makes a session of its own for a row. */
  session(more?: Readonly<Record<string, unknown>>): Promise<Answer['body']>;
  /** Makes a task, in a session of its own unless one is named. */
  task(more?: Readonly<Record<string, unknown>>): Promise<Answer['body']>;
}

/** One row: its number, what it says, what it does. */
export type Row = readonly [row: number, says: string, run: (client: Client) => Promise<void>];

/** Runs rows against one real server over HTTP; all share it, as the clients of one server do. */
export function runRows(rows: readonly Row[]): void {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ parts: { maxArtifactBytes: 1_000 } });
  });
  afterAll(() => server.close());
  let made = 0;
  const client = (): Client => {
    const session: Client['session'] = async (more = {}) => {
      const answer = await server.call('POST', 'sessions', { name: `demo-${++made}`, ...more });
      expect(answer.status).toBe(201);
      return answer.body;
    };
    return {
      server,
      call: server.call,
      session,
      task: async (more = {}) => {
        const sessionId = more.sessionId ?? (await session()).id;
        const body = { name: 'build', script: 'echo hi', ...more, sessionId };
        const answer = await server.call('POST', 'tasks', body);
        expect(answer.status).toBe(201);
        return answer.body;
      },
    };
  };
  test.each(rows.map(([row, says, run]) => [row, says, run] as const))('row %i: %s', (_row, _says, run) =>
    run(client()),
  );
}
