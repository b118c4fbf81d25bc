import { z } from 'zod';
import type { Clock } from '../../pkg/clock/clock.ts';
import {
  type LocalAnswer,
  type LocalRoute,
  type LocalRoutes,
  type LocalServer,
  PortsTakenError,
  serveLocally,
} from '../../pkg/local-http/local-http.ts';
import { loopbackNames } from '../../pkg/local-http/refuse-request.ts';
import type { Log } from '../../pkg/log/log.ts';
import { ConflictError, httpStatusOf, InputError, KerutaError } from '../domain/errors.ts';
import type { AgentHealth } from './agent-health.ts';
import type { LocalApiOptions } from './agent-options.ts';
import type { AgentStatus } from './agent-status.ts';
import { type RunRouteParts, runRoutes } from './own-runs/run-routes.ts';
import { type SlotRouteParts, slotRoutes } from './slot-routes.ts';

/** What the local API shows and takes. */
export interface LocalApiParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly status: AgentStatus;
  readonly version: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly health: AgentHealth;
  /** hands out slots of repositories; absent: nobody is handed any */
  readonly slots?: Omit<SlotRouteParts, 'log'>;
  /** does agent tasks; absent: none are taken */
  readonly runs?: Omit<RunRouteParts, 'log'>;
}

/** First port that is tried when none was asked for, and how many follow it. */
const defaultPort = 8080;
const portsTried = 100;
const maxInputBytes = 64 * 1024;
/** Largest body: the context of an agent task with what failed before it, and any input as JSON writes it; bytes. */
const maxBodyBytes = 1024 * 1024;
const maxInputsPerMinute = 10;

const inputBody = z.object({
  taskId: z.string(),
  promptId: z.string().nullish(),
  input: z.string(),
});

/** What the agent's own API serves: `/health`, `/status`, `/metrics`, slots, agent tasks, and `POST /input` when it is wanted. */
export function localRoutes(
  parts: LocalApiParts,
  options: Pick<LocalApiOptions, 'acceptInput'>,
): LocalRoutes {
  return {
    routes: routesOf(parts, options.acceptInput),
    maxBodyBytes,
    onFault: (error) => parts.log.error('the local API failed', { error }),
  };
}

/**
 * Opens the agent's own address.
 *
 * @param token  bearer token for everything but `/health`
 * @throws {ConflictError} KERUTA_ERR_PORT_TAKEN when the port that was asked for is in use; {InputError}
 *   KERUTA_ERR_BAD_VALUE for a host that others can reach and that was not allowed
 */
export async function openLocalApi(
  what: LocalRoutes,
  options: LocalApiOptions,
  token: string,
): Promise<LocalServer> {
  if (!options.allowRemote && !loopbackNames.includes(options.host)) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `The agent's local API would be reachable for others on ${options.host}. Expected 127.0.0.1, ::1 or localhost; ` +
        'give --allow-remote to allow another one.',
    );
  }
  const ports =
    options.port === null
      ? Array.from({ length: portsTried }, (_, index) => defaultPort + index)
      : [options.port];
  try {
    return await serveLocally({ ...what, host: options.host, ports, token });
  } catch (error) {
    if (!(error instanceof PortsTakenError)) throw error;
    throw new ConflictError(
      'KERUTA_ERR_PORT_TAKEN',
      `Port ${ports[0] ?? ''} on ${options.host} is in use by another program. Give another --port, or leave it out ` +
        'and a free one is taken.',
      { cause: error, details: { port: ports[0] ?? null } },
    );
  }
}

function routesOf(parts: LocalApiParts, acceptInput: boolean): readonly LocalRoute[] {
  const { status, clock } = parts;
  const routes: LocalRoute[] = [
    { method: 'GET', path: '/health', open: true, answer: () => health(parts) },
    { method: 'GET', path: '/status', answer: () => ({ status: 200, json: statusBody(parts) }) },
    { method: 'GET', path: '/metrics', answer: () => metrics(parts) },
  ];
  const limit = rateLimit(clock);
  if (acceptInput) {
    routes.push({
      method: 'POST',
      path: '/input',
      answer: (body) => (limit() ? takeInput(status, body) : tooMany),
    });
  }
  if (parts.slots !== undefined) routes.push(...slotRoutes({ ...parts.slots, log: parts.log }));
  if (parts.runs !== undefined) routes.push(...runRoutes({ ...parts.runs, log: parts.log }));
  return routes;
}

async function health({ health: agent, clock }: LocalApiParts): Promise<LocalAnswer> {
  const found = await agent.look();
  return {
    status: found.status === 'unhealthy' ? 503 : 200,
    json: { ...found, timestamp: new Date(clock.now()).toISOString() },
  };
}

/** The package behind it is loaded when somebody asks: most agents are never asked. */
async function metrics({ status, clock, health: agent }: LocalApiParts): Promise<LocalAnswer> {
  const { agentMetrics } = await import('./metrics.ts');
  const now = {
    uptimeMs: clock.monotonicMs() - status.startedAt,
    rssBytes: process.memoryUsage.rss(),
    health: await agent.look(),
    backlog: (await status.backlog?.look()) ?? null,
  };
  return { status: 200, text: await agentMetrics(status, now).text() };
}

function statusBody({ status, clock, version, sessionId, agentId }: LocalApiParts): unknown {
  return {
    status: status.task === null ? 'idle' : 'busy',
    version,
    agentId,
    sessionId,
    uptimeSeconds: Math.round((clock.monotonicMs() - status.startedAt) / 1000),
    task: status.task,
    tasks: status.ended,
    api: status.apiFault ?? 'ok',
    watchers: status.watchers(),
    waitingForInput: status.input?.open() ?? [],
  };
}

async function takeInput(status: AgentStatus, body: unknown): Promise<LocalAnswer> {
  const parsed = inputBody.safeParse(body);
  if (!parsed.success) return { status: 400, json: { error: 'expected {taskId, promptId?, input}' } };
  const { taskId, promptId, input } = parsed.data;
  if (Buffer.byteLength(input) > maxInputBytes) {
    return { status: 413, json: { error: `expected an input of at most ${maxInputBytes} bytes` } };
  }
  if (status.task?.id !== taskId || status.input === null) {
    return { status: 409, json: { error: 'the task is not running here' } };
  }
  try {
    await status.input.answerHere(promptId ?? null, input);
    return { status: 200, json: { accepted: true } };
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return { status: httpStatusOf(error), json: { error: error.message } };
  }
}

const tooMany: LocalAnswer = {
  status: 429,
  json: { error: `at most ${maxInputsPerMinute} inputs a minute` },
};

/** @returns a question that is answered with yes so often a minute */
function rateLimit(clock: Clock): () => boolean {
  let taken: number[] = [];
  return () => {
    const now = clock.monotonicMs();
    taken = taken.filter((at) => now - at < 60_000);
    if (taken.length >= maxInputsPerMinute) return false;
    taken.push(now);
    return true;
  };
}
