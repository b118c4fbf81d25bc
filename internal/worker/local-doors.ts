import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentHealth } from './agent-health.ts';
import type { AgentOptions, AgentParts } from './agent-options.ts';
import { openAgentSocket } from './agent-socket.ts';
import type { AgentStatus } from './agent-status.ts';
import type { DiskWatch } from './disk-watch.ts';
import { localRoutes, openLocalApi } from './local-api.ts';
import { OwnRuns } from './own-runs/own-runs.ts';
import type { StateDirectory } from './state-directory.ts';

/** The ways in which an agent can be asked. */
export interface LocalDoors {
  readonly url: string;
  readonly port: number;
  /** path of the socket; null when there is none */
  readonly socket: string | null;
  /** Opens the socket anew when somebody deleted it. */
  heal(): Promise<void>;
  /** @param how.goesOn  whether agent tasks that were handed in here go on without the agent */
  close(how: { readonly goesOn: boolean }): Promise<void>;
}

/** What the local API speaks about. */
export interface LocalNeeds {
  readonly options: AgentOptions;
  readonly base: StateDirectory;
  readonly status: AgentStatus;
  readonly disk: DiskWatch;
}

/**
 * Opens the local API at its address and on a socket.
 * @returns null when the agent shall have none
 * @throws {ConflictError} KERUTA_ERR_PORT_TAKEN
 */
export async function openLocalDoors(
  { clock, log, pool, random, executor }: AgentParts,
  { options, base, status, disk }: LocalNeeds,
): Promise<LocalDoors | null> {
  if (options.localApi === null) return null;
  const health = new AgentHealth({ clock, status, disk, probeFile: base.localTokenFile });
  const { version, sessionId, uid } = options;
  const slots = pool && { pool, allowedRepositories: options.allowedRepositories };
  const root = join(base.base, 'own-runs');
  const runs = new OwnRuns({ clock, random, log, executor, root, graceMs: options.graceMs });
  await runs.open();
  const agent = { version, sessionId, agentId: base.agentId, health };
  const what = localRoutes(
    { clock, log, status, ...agent, runs: { runs, options }, ...(slots && { slots }) },
    options.localApi,
  );
  const token = readFileSync(base.localTokenFile, 'utf8');
  const server = await openLocalApi(what, options.localApi, token).catch(async (error: unknown) => {
    health.stop();
    await runs.close({ goesOn: true });
    throw error;
  });
  const openSocket = () => openAgentSocket({ log, base: base.base, uid }, what);
  let socket = await openSocket();
  return {
    url: server.url,
    port: server.port,
    socket: socket?.path ?? null,
    heal: async () => {
      if (socket === null || existsSync(socket.path)) return;
      await socket.close();
      socket = await openSocket();
    },
    close: async ({ goesOn }) => {
      await Promise.all([server.close(), socket?.close()]);
      await runs.close({ goesOn });
      health.stop();
    },
  };
}
