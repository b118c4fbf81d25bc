/**
 * What each route is for whom. The list is written by hand, and not made from the routes' own `access`: it says what was
 * meant. A route that is not named here fails the matrix test.
 */

/** What a path belongs to: one session, one task, or everybody who may call the route at all. */
export type Owned = 'session' | 'task' | 'none';

/** One route. */
export interface Expectation {
  /** which kinds of tokens may call it: a(dmin), s(ession), t(ask), r(ead-only); `open`: needs none */
  readonly who: string;
  readonly owned: Owned;
  /** a body that the route takes */
  readonly body?: Readonly<Record<string, unknown>> | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** what a foreign object is answered with, when that is not 404 */
  readonly foreign?: number;
  /** what the route answers with to everybody who may call it, when that is a refusal */
  readonly always?: number;
  /** the answer does not end */
  readonly live?: true;
}

const bytes = new Uint8Array([65]);
const at = '2026-01-01T00:00:00.000Z';
const end = { exitCode: 0, signal: null, reason: null, startedAt: at, exitedAt: at };
const noStreams = { stdout: { size: 0, crc32: 0 }, stderr: { size: 0, crc32: 0 } };
const line = { level: 'INFO', message: 'm' };
const newTask = { name: 'n', script: 'true' };
const document = { title: 't', content: 'c' };
const repository = { name: 'r', url: 'https://example.org/r.git', branch: 'main', authType: 'none' };
const fileChange = { kind: 'create', path: '/a', size: 1, mtimeNs: '1', inode: '1', sha256: null };
const upload = { path: 'b.txt', size: 1, sha256: 'f'.repeat(64) };

const read = (owned: Owned, more: Partial<Expectation> = {}): Expectation => ({
  who: 'astr',
  owned,
  ...more,
});
const steer = (owned: Owned, more: Partial<Expectation> = {}): Expectation => ({ who: 'as', owned, ...more });
const speak = (more: Partial<Expectation> = {}): Expectation => ({ who: 'ast', owned: 'task', ...more });
const admin = (more: Partial<Expectation> = {}): Expectation => ({ who: 'a', owned: 'none', ...more });
const unbound = (more: Partial<Expectation> = {}): Expectation => ({ who: 'ar', owned: 'none', ...more });
const open: Expectation = { who: 'open', owned: 'none' };
const signed: Expectation = { who: 'open', owned: 'none', always: 401 };

/** By method and path. Lists that are merely narrowed to what is visible belong to `none`. */
export const matrix: Readonly<Record<string, Expectation>> = {
  'GET /healthz': open,
  'GET /health': open,
  'GET /api/health': open,
  'GET /api/v1/health': open,
  'GET /api/v1/openapi.json': open,
  'GET /readyz': open,
  'GET /livez': open,
  'GET /metrics': unbound(),
  'GET /docs': open,
  // open to every token and to none: a delivery shows by its signature that it may fire
  'POST /api/v1/public/webhook/workflow/:id': signed,
  'GET /api/v1/public/webhook/workflow/:id': signed,
  'PUT /api/v1/public/webhook/workflow/:id': signed,
  'POST /webhook/:id': signed,
  'GET /webhook/:id': signed,
  'PUT /webhook/:id': signed,
  'POST /api/v1/public/webhooks/github': signed,
  'POST /api/v1/triggers/workflows/:id/webhook': signed,
  'GET /api/v1/triggers/workflows/:id/webhook': signed,
  'PUT /api/v1/triggers/workflows/:id/webhook': signed,
  'GET /api/v1/tasks/health': read('none'),

  'POST /api/v1/sessions': admin({ body: { name: 'new' } }),
  'GET /api/v1/sessions': read('none'),
  'GET /api/v1/sessions/:id': read('session'),
  'GET /api/v1/sessions/:id/detail': read('session'),
  // by its own token everything but name, workspace and time for git
  'PUT /api/v1/sessions/:id': steer('session', { body: { name: ':workspaceId', description: 'd' } }),
  'DELETE /api/v1/sessions/:id': admin({ owned: 'session' }),
  'PUT /api/v1/sessions/:id/status': steer('session', { foreign: 403, always: 403 }),
  'PUT /api/v1/sessions/:id/system-status': steer('session', { body: { status: 'INACTIVE' } }),
  'POST /api/v1/sessions/:id/tags': steer('session', { body: { tag: 'x' } }),
  'DELETE /api/v1/sessions/:id/tags/:tag': steer('session'),
  'GET /api/v1/sessions/:id/tasks': read('session'),
  'GET /api/v1/sessions/search': read('none', { query: 'name=s' }),
  'GET /api/v1/sessions/search/partial-id': read('none', { query: 'partialId=0000' }),
  'GET /api/v1/sessions/by-workspace/:workspaceId': read('session'),
  'GET /api/v1/sessions/status/:status': read('none'),
  'GET /api/v1/sessions/tag/:tag': read('none'),
  'POST /api/v1/sessions/:id/logs': steer('session', { body: { ...line, source: 's', action: 'a' } }),
  'GET /api/v1/sessions/:id/logs': read('session'),
  'GET /api/v1/sessions/:id/logs/count': read('session'),
  'GET /api/v1/sessions/:id/logs/:logId': read('session'),
  'DELETE /api/v1/sessions/:id/logs': steer('session'),
  'GET /api/v1/sessions/logs/recent': read('none'),
  'GET /api/v1/sessions/logs/level/:level': read('none'),
  'GET /api/v1/workspaces/:workspaceId/tasks/pending': read('none'),
  'GET /api/v1/sessions/:id/workspaces': read('session'),
  'POST /api/v1/sessions/:id/monitor-workspaces': steer('session'),
  'POST /api/v1/sessions/:id/sync-status': steer('session'),
  'GET /api/v1/sessions/:id/events': { who: 'asr', owned: 'session', live: true },
  'GET /api/v1/sessions/realtime/events': read('session', { query: 'sessionId=:id', live: true }),
  'GET /api/v1/sessions/realtime/health': read('none'),
  'GET /api/v1/sessions/realtime/stats': read('none'),
  'POST /api/v1/sessions/:id/claim': steer('session', { body: { agentId: 'x', claimId: 'y' } }),

  'POST /api/v1/tasks': steer('session', { body: { ...newTask, sessionId: ':id' } }),
  'GET /api/v1/tasks/:id': read('task'),
  'PUT /api/v1/tasks/:id': steer('task', { body: { name: 'other' } }),
  // a task that is gone already is no error, and so neither is one out of sight
  'DELETE /api/v1/tasks/:id': steer('task', { foreign: 204 }),
  'GET /api/v1/tasks/:id/subtasks': read('task'),
  'POST /api/v1/tasks/:id/subtasks': steer('task', { body: newTask }),
  'POST /api/v1/tasks/test/:sessionId': steer('session'),
  'GET /api/v1/tasks/:id/script': read('task'),
  // the task of this test was fired by no trigger, and one out of sight looks the same
  'GET /api/v1/tasks/:id/event': read('task', { always: 404 }),
  'GET /api/v1/tasks/:id/occurrence': read('task', { always: 404 }),
  'GET /api/v1/tasks': read('none'),
  'GET /api/v1/tasks/session/:sessionId': read('none'),
  'GET /api/v1/tasks/session/:sessionId/pending': read('none'),
  'GET /api/v1/tasks/workspace/:workspaceId': read('none'),
  'GET /api/v1/tasks/status/:status': read('none'),
  'GET /api/v1/tasks/search': read('none', { query: 'name=n' }),
  'PUT /api/v1/tasks/:id/status': speak({ body: { status: 'PROCESSING', progress: 1 } }),
  'PATCH /api/v1/tasks/:id/status': speak({ body: { status: 'PROCESSING', progress: 1 } }),
  'PATCH /api/v1/tasks/:id/progress': speak({ body: { progress: 1 } }),
  'POST /api/v1/tasks/:id/logs': speak({ body: line }),
  'POST /api/v1/tasks/:id/logs/batch': speak({ body: { logs: [line] } }),
  'GET /api/v1/tasks/:id/logs': read('task'),
  'GET /api/v1/tasks/:id/logs/count': read('task'),
  'DELETE /api/v1/tasks/:id/logs': steer('task'),
  'GET /api/v1/tasks/:id/artifacts': read('task'),
  'POST /api/v1/tasks/:id/artifacts': speak({ body: { path: 'c.txt' } }),
  'GET /api/v1/tasks/:id/artifacts/:artifactId': read('task'),
  'GET /api/v1/tasks/:id/artifacts/:artifactId/content': read('task'),
  'DELETE /api/v1/tasks/:id/artifacts/:artifactId': speak(),
  'POST /api/v1/tasks/:id/artifacts/uploads': speak({ body: upload }),
  'HEAD /api/v1/tasks/:id/artifacts/uploads/:uploadId': speak(),
  'PATCH /api/v1/tasks/:id/artifacts/uploads/:uploadId': speak({
    body: bytes,
    headers: { 'upload-offset': '0' },
  }),
  'POST /api/v1/tasks/:id/attempts/:n/renew': steer('task', { body: {} }),
  'POST /api/v1/tasks/:id/attempts/:n/checkout': steer('task', { body: { agentId: 'a' } }),
  'POST /api/v1/tasks/:id/attempts/:n/messages': speak({ body: { messages: [] } }),
  'POST /api/v1/tasks/:id/attempts/:n/exited': speak({ body: end }),
  'POST /api/v1/tasks/:id/attempts/:n/finish': speak({
    body: { ...end, controlSeq: 0, streams: noStreams, artifacts: [], usage: null },
  }),
  'HEAD /api/v1/tasks/:id/attempts/:n/streams/:stream': read('task'),
  'PATCH /api/v1/tasks/:id/attempts/:n/streams/:stream': speak({
    body: bytes,
    headers: { 'upload-offset': '0' },
  }),
  'GET /api/v1/tasks/:id/attempts': read('task'),
  'GET /api/v1/tasks/:id/attempts/:n/log': read('task'),
  'POST /api/v1/tasks/:id/auto-fix': speak({ body: {} }),
  'GET /api/v1/tasks/:id/events': read('task', { live: true }),
  'POST /api/v1/tasks/:id/input-request': speak({ body: { prompt: 'p' } }),
  'GET /api/v1/tasks/:id/input': speak(),
  'POST /api/v1/tasks/:id/input': steer('task', { body: { input: 'i' } }),
  'GET /api/v1/tasks/:id/input-requests': read('task'),
  'POST /api/v1/tasks/:id/cancel': steer('task'),
  'POST /api/v1/tasks/:id/retry': steer('task'),

  'GET /api/v1/documents': unbound(),
  'GET /api/v1/documents/search': unbound(),
  'POST /api/v1/documents': admin({ body: document }),
  'GET /api/v1/documents/:id': unbound(),
  'PUT /api/v1/documents/:id': admin({ body: document }),
  'DELETE /api/v1/documents/:id': admin(),
  'GET /api/v1/repositories': unbound(),
  'POST /api/v1/repositories': admin({ body: repository }),
  'GET /api/v1/repositories/:id': unbound(),
  'PUT /api/v1/repositories/:id': admin({ body: { description: 'd' } }),
  'POST /api/v1/repositories/:id/toggle-status': admin(),
  'DELETE /api/v1/repositories/:id': admin(),
  'GET /api/v1/repositories/:id/script': unbound(),
  'GET /api/v1/repositories/tags': unbound(),
  'GET /api/v1/repositories/stats': unbound(),
  'POST /api/v1/tokens': admin({ body: { scope: 'admin' } }),
  'GET /api/v1/tokens': admin(),
  'DELETE /api/v1/tokens/:id': admin(),
  'GET /api/v1/agents': read('none'),
  'GET /api/v1/sessions/:id/watches': { who: 'asr', owned: 'session' },
  'POST /api/v1/sessions/:id/watches': { who: 'as', owned: 'session', body: { agentId: 'a' } },
  'POST /api/v1/triggers/:id/file-events': {
    who: 'as',
    owned: 'none',
    body: { events: [{ changes: [fileChange] }] },
    always: 404,
  },

  'POST /api/v1/workflows': admin({ body: { name: 'w', run: 'true' } }),
  'GET /api/v1/workflows': unbound(),
  'GET /api/v1/workflows/:name': unbound(),
  'GET /api/v1/holds': unbound(),
  'POST /api/v1/holds': admin({ body: { scope: 'session', name: 'nobody', reason: 'r' } }),
  'POST /api/v1/holds/release': admin({ body: { scope: 'session', name: 'nobody' } }),
  'GET /api/v1/ledger': unbound(),
  'GET /api/v1/ledger/verify': unbound(),
  'GET /api/v1/audit': unbound(),
  'GET /api/v1/ledger/:id': unbound(),
  'DELETE /api/v1/workflows/:name': admin(),
  'GET /api/v1/workflows/:name/versions': unbound(),
  'GET /api/v1/workflows/:name/occurrences': unbound(),
  'POST /api/v1/workflows/:name/fire': admin({ body: {} }),
  'GET /api/v1/public/webhooks/status': unbound(),
  'POST /api/v1/workflows/:name/replay': admin({ body: { event: 'x' } }),
  'POST /api/v1/workflows/:name/redrive': admin({ body: { task: 'x' } }),
  'POST /api/v1/workflows/:name/test': admin({ body: {} }),
  'GET /api/v1/workflows/:name/status': unbound(),
  'POST /api/v1/workflows/:name/backfill': admin({ body: { from: at, to: at } }),
  'POST /api/v1/workflows/:name/backfill/cancel': admin({ body: {} }),
  'GET /api/v1/triggers/workflows/:name/status': unbound(),
  'POST /api/v1/triggers/workflows/:name/manual': admin({ body: {} }),
  'GET /api/v1/triggers/health': unbound(),
  'POST /api/v1/deployment/workflows/:id/deploy': admin({ body: { run: 'true' } }),
  'PUT /api/v1/deployment/workflows/:id/deploy': admin({ body: { run: 'true' } }),
  'DELETE /api/v1/deployment/workflows/:id/undeploy': admin(),
  'GET /api/v1/deployment/workflows': unbound(),
  'GET /api/v1/deployment/workflows/:id/status': unbound(),
  'POST /api/v1/workflows/:name/pause': admin({ body: {} }),
  'POST /api/v1/workflows/:name/resume': admin({ body: {} }),
  'GET /api/v1/policy': unbound(),
  'PUT /api/v1/policy': admin({ body: {} }),
  'GET /api/v1/sessions/:id/policy': { who: 'asr', owned: 'session' },
  'PUT /api/v1/sessions/:id/policy': admin({ owned: 'session', body: {} }),
  'GET /api/v1/approvals': { who: 'asr', owned: 'none' },
  'POST /api/v1/approvals/:id/approve': steer('none'),
  'POST /api/v1/approvals/:id/deny': steer('none'),
  'POST /api/v1/workflows/:name/breaker/reset': admin(),
  'GET /api/v1/workflows/:name/compare': unbound(),
  'PUT /api/v1/workflows/:name/migration': admin({ body: { weight: 1 } }),
  'POST /api/v1/tasks/:id/costs': speak({ body: { amount: '1.00' } }),
  'GET /api/v1/tasks/:id/costs': read('task'),
  'GET /api/v1/notifications': unbound(),
  'GET /api/v1/notifications/channels': unbound(),
  'POST /api/v1/notifications/test': admin({ body: { channel: 'nobody' }, always: 404 }),
  'POST /api/v1/sessions/:id/agents/disk': {
    ...{ who: 'as', owned: 'session' },
    body: { agentId: 'a', hostname: 'h', state: 'ok', freeBytes: 1, floorBytes: 0 },
  },
};
