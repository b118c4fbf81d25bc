import type { TestServer } from './start-server.ts';
import type { Expectation } from './token-matrix.ts';

/** A session with everything that a path can name. */
export interface Things {
  readonly session: string;
  readonly task: string;
  /** the task's attempt, its token, and what hangs on the task */
  readonly token: string;
  readonly ids: Readonly<Record<string, string>>;
}

let made = 0;

/** Calls a server as its administrator. @throws when the answer is none of success */
export async function mustAnswer(
  server: TestServer,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: unknown },
): Promise<Record<string, string>> {
  const answer = await server.call(method, path, body);
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Makes such a session. */
export async function makeThings(server: TestServer): Promise<Things> {
  const must = (method: string, path: string, body?: unknown) => mustAnswer(server, { method, path, body });
  const workspaceId = `s-${++made}`;
  const session = (await must('POST', 'sessions', { name: workspaceId, workspaceId })).id ?? '';
  const task = (await must('POST', 'tasks', { sessionId: session, name: 'n', script: 'true' })).id ?? '';
  const { claim } = (await must('POST', `sessions/${session}/claim`, {
    agentId: 'a',
    claimId: task,
  })) as never as {
    claim: { attempt: { token: string } };
  };
  const [log] = (await must('GET', `sessions/${session}/logs`)) as never as { id: string }[];
  const artifact = await must('POST', `tasks/${task}/artifacts`, { path: 'a.txt' });
  const upload = await must('POST', `tasks/${task}/artifacts/uploads`, {
    ...{ path: 'u.txt', size: 1, sha256: 'a'.repeat(64) },
  });
  const ids = {
    workspaceId,
    sessionId: session,
    logId: log?.id ?? '',
    artifactId: artifact.id ?? '',
    uploadId: upload.uploadId ?? '',
    ...{ n: '1', stream: 'stdout', tag: 'x', status: 'ACTIVE', level: 'INFO' },
  };
  return { session, task, token: claim.attempt.token, ids };
}

/** Puts the ids of things in the places of a path, a query or a body. */
export function fillIn(
  text: string,
  { things, owned }: { readonly things: Things; readonly owned: Expectation['owned'] },
): string {
  const id = owned === 'session' ? things.session : things.task;
  return text.replace(
    /:(id|sessionId|workspaceId|logId|artifactId|uploadId|n|stream|tag|status|level)\b/g,
    (_all, name) => (name === 'id' ? id : (things.ids[name] ?? '')),
  );
}
