/** Routes that change workflows, their triggers and what limits them, as mutating-routes.ts has the others. */
import { createHmac, randomUUID } from 'node:crypto';
import { push } from '../../internal/trigger/github/payloads.ts';
import { type Mutation, type Try, type World, withKey } from './mutating-routes.ts';

const secret = 'a-secret-of-more-than-thirty-two-bytes';
/** What the server must have in its environment, so that deliveries are taken. */
export const hookEnv = { HOOK_SECRET: secret, GITHUB_WEBHOOK_SECRET: secret };

/** Where effects show; `{name}` is the workflow. */
const [workflow, occurrences, ledger, tasks] = [
  '/workflows/{name}',
  '/workflows/{name}/occurrences',
  '/ledger?workflow={name}',
  '/sessions/{session}/tasks',
];
const fired = [occurrences, tasks, ledger];

/** Makes a workflow whose tasks go to the session of the world. @returns its name, as a part of paths */
async function applied(
  world: World,
  more: object = {},
): Promise<{ readonly id: string; readonly name: string }> {
  const definition = await definitionFor(world, more);
  await world.place.api('POST', '/workflows', definition);
  return { id: definition.name, name: definition.name };
}

async function definitionFor({ place, session }: World, more: object = {}) {
  const own = await place.api<{ name: string }>('GET', `/sessions/${session}`);
  return { name: `w-${randomUUID()}`, session: own.name, run: 'true', ...more };
}

const signature = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** A delivery as GitHub signs it, with an id of its own. */
function delivery(payload: object, kind = 'issues'): Try {
  const body = JSON.stringify(payload);
  const headers = {
    'content-type': 'application/json',
    'x-github-event': kind,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': signature(body),
  };
  return { body: () => body, headers };
}

const auth = { type: 'github', secretEnv: 'HOOK_SECRET' };
const hooked = (world: World) =>
  applied(world, { triggers: [{ type: 'webhook', auth, methods: ['POST', 'PUT'] }], overlap: 'allow' });

/** A delivery that its sender repeats under the same id. */
const webhook: Mutation = {
  ask: async (world) => ({ ...delivery({ title: 't' }), path: await hooked(world) }),
  look: fired,
};

/** Fires a workflow. @returns the id of its task */
async function fire({ place }: World, name: string): Promise<string> {
  const { taskId } = await place.api<{ taskId: string | null }>('POST', `/workflows/${name}/fire`, {});
  return taskId ?? '';
}

/** Asks for a yes. @returns the question */
async function asked(world: World): Promise<Try> {
  const { name } = await applied(world, { policy: { requireApproval: { role: 'admin' } } });
  await fire(world, name);
  const all = await world.place.api<{ id: string; workflow: string }[]>('GET', '/approvals');
  return { path: { id: all.find((one) => one.workflow === name)?.id ?? '', name } };
}

/** Lets a workflow fail so often that its breaker opens. */
async function broken(world: World): Promise<Try> {
  const policy = { breaker: { window: 1, minRuns: 1, consecutiveFailures: 1 } };
  return { path: (await failed(world, { policy })).path };
}

/** Fires a workflow whose task fails. @returns the id of the task, too */
async function failed(world: World, more: object = {}) {
  const path = await applied(world, more);
  await world.place.api('POST', `/tasks/${world.task}/cancel`, {});
  const id = await fire(world, path.name);
  const claim = { agentId: randomUUID(), claimId: randomUUID(), waitMs: 1000 };
  await world.place.api('POST', `/sessions/${world.session}/claim`, claim);
  const at = '2026-01-01T00:00:00.000Z';
  const stream = { size: 0, crc32: 0, lostBytes: 0 };
  await world.place.api('POST', `/tasks/${id}/attempts/1/finish`, {
    ...{ exitCode: 1, signal: null, reason: null, startedAt: at, exitedAt: at, controlSeq: 0 },
    ...{ streams: { stdout: stream, stderr: stream }, artifacts: [], usage: null },
  });
  return { path, id };
}

const yearly = { triggers: [{ type: 'cron', expression: '0 0 1 1 *', timezone: 'UTC' }] };
const range = { from: '2025-12-31T00:00:00Z', to: '2026-01-02T00:00:00Z' };
const heldBy = (name: string) => ({ scope: 'workflow', name, reason: 'r' });
const changed = { kind: 'create', path: '/in/a', size: 3, mtimeNs: '1', inode: '7', sha256: null };
/** Nobody reaches so many: it limits nothing. */
const policy = { maxConcurrent: 90_000 };

/** By method and path of the OpenAPI document. */
export const workflowMutations: Readonly<Record<string, Mutation>> = {
  'POST /workflows': {
    ask: async (world) => {
      const json = await definitionFor(world);
      return { json, path: { name: json.name } };
    },
    look: [workflow, ledger],
  },
  'DELETE /workflows/{name}': {
    ask: async (world) => ({ path: await applied(world) }),
    look: [workflow, ledger],
    again: 404,
  },
  'POST /workflows/{name}/pause': {
    ask: async (world) => ({ json: { trigger: 'manual', reason: 'r' }, path: await applied(world) }),
    look: [workflow, ledger],
  },
  'POST /workflows/{name}/resume': {
    ask: async (world) => {
      const path = await applied(world);
      await world.place.api('POST', `/workflows/${path.name}/pause`, { trigger: 'manual' });
      return { json: { trigger: 'manual' }, path };
    },
    look: [workflow, ledger],
  },
  'POST /holds': {
    ask: async (world) => {
      const path = await applied(world);
      return { json: heldBy(path.name), path };
    },
    look: [workflow, '/holds', ledger],
  },
  'POST /holds/release': {
    ask: async (world) => {
      const path = await applied(world);
      await world.place.api('POST', '/holds', heldBy(path.name));
      return { json: { scope: 'workflow', name: path.name }, path };
    },
    look: [workflow, '/holds', ledger],
  },
  'POST /workflows/{name}/fire': {
    ask: async (world) => ({ json: {}, headers: withKey(), path: await applied(world) }),
    look: fired,
  },
  'POST /triggers/workflows/{name}/manual': {
    ask: async (world) => ({ json: {}, headers: withKey(), path: await applied(world) }),
    look: fired,
  },
  'POST /workflows/{name}/replay': {
    ask: async (world) => {
      const path = await hooked(world);
      const { body, headers } = delivery({ title: 't' });
      const url = `${world.place.env.KERUTA_API_URL}/webhook/${path.name}`;
      await fetch(url, { method: 'POST', body: body?.() ?? null, headers: { ...headers } });
      const [first] = await world.place.api<{ eventId: string }[]>(
        'GET',
        `/workflows/${path.name}/occurrences`,
      );
      return { json: { event: first?.eventId }, headers: withKey(), path };
    },
    look: fired,
  },
  'POST /workflows/{name}/redrive': {
    ask: async (world) => {
      const { path, id } = await failed(world);
      return { json: { task: id }, path };
    },
    look: fired,
  },
  // without `run` everything is undone again
  'POST /workflows/{name}/test': {
    ask: async (world) => ({ json: {}, path: await hooked(world) }),
    look: [],
  },
  'POST /workflows/{name}/backfill': {
    ask: async (world) => ({ json: range, path: await applied(world, yearly) }),
    look: fired,
  },
  'POST /workflows/{name}/backfill/cancel': {
    ask: async (world) => {
      const path = await applied(world, yearly);
      await world.place.api('POST', `/workflows/${path.name}/backfill`, range);
      return { json: {}, path };
    },
    look: [tasks, ledger],
  },
  'PUT /workflows/{name}/migration': {
    ask: async (world) => ({ json: { weight: 0.5 }, path: await applied(world, { fallback: 'true' }) }),
    look: [workflow, ledger],
  },
  'POST /workflows/{name}/breaker/reset': { ask: broken, look: [ledger] },
  'PUT /policy': { ask: () => ({ json: policy }), look: ['/policy', '/ledger?kind=policy.set'] },
  'PUT /sessions/{id}/policy': {
    ask: () => ({ json: policy }),
    look: ['/sessions/{session}/policy', '/ledger?kind=policy.set'],
  },
  'POST /approvals/{id}/approve': { ask: asked, look: [...fired, '/approvals?all=true'], again: 409 },
  'POST /approvals/{id}/deny': { ask: asked, look: [...fired, '/approvals?all=true'], again: 409 },
  'POST /tasks/{id}/costs': {
    ask: () => ({ json: { amount: '0.12', key: randomUUID() } }),
    look: ['/tasks/{task}/costs'],
  },
  'POST /tasks/{id}/attempts/{n}/checkout': {
    ask: async ({ place, session }) => {
      const agentId = randomUUID();
      await place.api('POST', `/sessions/${session}/claim`, { agentId, claimId: randomUUID(), waitMs: 1000 });
      return { json: { agentId } };
    },
    look: [],
  },
  'POST /sessions/{id}/agents/disk': {
    ask: () => ({
      json: { ...{ agentId: randomUUID(), hostname: 'h', state: 'ok' }, freeBytes: 2, floorBytes: 1 },
    }),
    look: [],
  },
  'POST /notifications/test': { ask: () => ({ json: { channel: 'none' } }), look: [], again: 404 },
  'POST /sessions/{id}/watches': { ask: () => ({ json: { agentId: randomUUID() } }), look: [] },
  'POST /triggers/{id}/file-events': {
    ask: async (world) => {
      const { name } = await applied(world, { triggers: [{ type: 'file', path: '~/in' }] });
      const { triggers } = await world.place.api<{ triggers: { id: string; type: string }[] }>(
        'GET',
        `/workflows/${name}`,
      );
      const { id = '' } = triggers.find(({ type }) => type === 'file') ?? {};
      return { json: { events: [{ changes: [changed] }] }, path: { id, name } };
    },
    look: fired,
  },
  'POST /deployment/workflows/{id}/deploy': {
    ask: async (world) => {
      const json = await definitionFor(world);
      return { json, path: { id: json.name, name: json.name } };
    },
    look: [workflow, ledger],
  },
  'PUT /deployment/workflows/{id}/deploy': {
    ask: async (world) => {
      const json = await definitionFor(world, { run: 'false' });
      await world.place.api('POST', '/workflows', { ...json, run: 'true' });
      return { json, path: { id: json.name, name: json.name } };
    },
    look: [workflow, ledger],
  },
  'DELETE /deployment/workflows/{id}/undeploy': {
    ask: async (world) => ({ path: await applied(world) }),
    look: [workflow, ledger],
  },
  'POST /public/webhooks/github': {
    ask: async (world) => {
      const trigger = { type: 'github', repository: 'acme/*', events: ['push'] };
      return { ...delivery(push(), 'push'), path: await applied(world, { triggers: [trigger] }) };
    },
    look: fired,
  },
  'POST /public/webhook/workflow/{id}': webhook,
  'PUT /public/webhook/workflow/{id}': webhook,
  'POST /triggers/workflows/{id}/webhook': webhook,
  'PUT /triggers/workflows/{id}/webhook': webhook,
  'POST /webhook/{id}': webhook,
  'PUT /webhook/{id}': webhook,
};
