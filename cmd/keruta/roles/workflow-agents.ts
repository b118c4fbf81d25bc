/** Agents for the sessions of workflows, inside `keruta up`: one for each, as many as the settings allow. */
import { join } from 'node:path';
import { type ApiClient, makeApiClient } from '../../../internal/api/client/client.ts';
import { resolveSession } from '../../../internal/api/discovery.ts';
import type { WorkflowWire } from '../../../internal/api/workflow-shapes.ts';
import { ownDirectory } from '../../../internal/worker/own-directory.ts';
import { makeHttp } from '../../../pkg/http/http.ts';
import { type AgentStart, startAgent } from './start-agent.ts';

/** How often it is looked which sessions there are; ms. */
const lookEveryMs = 1_000;
/** With more sessions than agents, one that has had nothing to do for so long makes room; ms. */
const makeRoomMs = 10_000;

/** What all agents of the process have in common. */
export type CommonStart = Pick<
  AgentStart,
  'context' | 'settings' | 'access' | 'control' | 'log' | 'withheld' | 'board'
>;

/** Agents that come and go. */
export interface WorkflowAgents {
  /** Resolves when the control was told to stop and all of them have ended. */
  readonly ended: Promise<void>;
}

/**
 * Hosts the sessions that enabled workflows name.
 * @param options.isServed  whether another agent of this process has the session
 * @param options.umask  file mode mask of scripts
 */
export function hostWorkflows(
  start: CommonStart,
  options: { readonly isServed: (sessionId: string) => boolean; readonly umask: number },
): WorkflowAgents {
  const { context, settings, access, control, log } = start;
  const { clock, random } = context;
  const { maxWorkers, baseDir } = settings.values;
  const http = makeHttp({ userAgent: `keruta/${context.version}` });
  const client = makeApiClient({ http, baseUrl: access.url, token: () => access.token, clock, random, log });
  const ids = new SessionIds(client);
  const running = new Map<string, Promise<void>>();
  let isTold = false;
  return { ended: goOn() };

  async function goOn(): Promise<void> {
    while (!control.draining.aborted && maxWorkers > 0) {
      try {
        await look();
      } catch (error) {
        log.debug('the sessions of workflows could not be looked at', { error });
      }
      await clock.sleep(lookEveryMs, control.draining).catch(() => {});
    }
    await Promise.all(running.values());
  }

  async function look(): Promise<void> {
    const workflows = await client.workflows.list({ signal: control.draining });
    const enabled = workflows.filter((one) => one.enabled);
    const wanted = await idsOf(enabled);
    const isCrowded = wanted.size > maxWorkers;
    const watching = await stayingOf(enabled, isCrowded);
    const idle = [...wanted].filter((id) => !options.isServed(id) && !running.has(id));
    const patient = idle.filter((id) => !watching.has(id));
    const free = [
      ...idle.filter((id) => watching.has(id)),
      ...(isCrowded ? await withWork(patient) : patient),
    ];
    for (const id of free.slice(0, Math.max(0, maxWorkers - running.size))) {
      const agent = host(id, isCrowded && !watching.has(id))
        .catch((error: unknown) => log.error('the agent of a workflow ended', { sessionId: id, error }))
        .finally(() => running.delete(id));
      running.set(id, agent);
    }
  }

  /** Sessions whose agents never have nothing to do, since they watch files. One agent is left to those that take turns. */
  async function stayingOf(workflows: readonly WorkflowWire[], isCrowded: boolean): Promise<Set<string>> {
    const all = await idsOf(workflows.filter(watchesFiles));
    const most = isCrowded ? Math.max(0, maxWorkers - 1) : all.size;
    if (all.size > most && !isTold)
      log.warn('more sessions watch files than there are agents to do it: some are not watched', {
        sessions: all.size,
        maxWorkers,
        remedy: 'raise KERUTA_MAX_WORKERS',
      });
    isTold = all.size > most;
    return new Set([...all].slice(0, most));
  }

  async function idsOf(workflows: readonly WorkflowWire[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (const { session } of workflows) found.add(await ids.of(session));
    return found;
  }

  /** Where there are more sessions than agents, an agent is for those that have something to do. */
  async function withWork(sessions: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const id of sessions) {
      const waiting = await client.sessions.tasks(id, 'PENDING', { signal: control.draining });
      if (waiting.length > 0) found.push(id);
    }
    return found;
  }

  async function host(id: string, isCrowded: boolean): Promise<void> {
    const directory = join(baseDir, 'workers', id);
    ownDirectory(join(baseDir, 'workers'), context.uid);
    const values = {
      ...settings.values,
      baseDir: directory,
      pidFile: null,
      workingDir: null,
      keepAlive: true,
    };
    const exitOnIdle = isCrowded ? makeRoomMs : null;
    await startAgent({
      ...start,
      settings: { ...settings, values: { ...values, exitOnIdle } },
      beside: { umask: options.umask },
      findSession: async () => ({ id }),
    });
  }
}

const watchesFiles = ({ triggers }: WorkflowWire) =>
  triggers.some(({ type, enabled }) => type === 'file' && enabled);

/** Tells the ids of sessions by their names; those do not change. */
class SessionIds {
  readonly #client: ApiClient;
  readonly #ids = new Map<string, string>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async of(name: string): Promise<string> {
    const id = this.#ids.get(name) ?? (await resolveSession(this.#client, { sessionId: name })).id;
    this.#ids.set(name, id);
    return id;
  }
}
