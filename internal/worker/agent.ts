import { readFileSync } from 'node:fs';
import type { LocalServer } from '../../pkg/local-http/local-http.ts';
import type { AgentExit, AgentOptions, AgentParts } from './agent-options.ts';
import { AgentStatus } from './agent-status.ts';
import type { AgentControl } from './control.ts';
import { openLocalApi } from './local-api.ts';
import { takeTasks } from './loop.ts';
import { maskingOf } from './masking.ts';
import { openStateDirectory, type StateDirectory } from './state-directory.ts';

/**
 * Runs an agent: opens its base directory and its local API, takes the tasks of its session one after another, and
 * closes what it opened. A run that it leaves behind goes on, and the next agent on the same base directory takes it up.
 *
 * @param control  stops it; an idle agent ends within a second
 * @returns why it ended
 * @throws {ConflictError} KERUTA_ERR_AGENT_RUNNING, KERUTA_ERR_DIRECTORY, KERUTA_ERR_PORT_TAKEN before anything is done
 */
export async function runAgent(
  parts: AgentParts,
  options: AgentOptions,
  control: AgentControl,
): Promise<AgentExit> {
  const base = openStateDirectory(options.baseDirectory, {
    random: parts.random,
    pid: options.pid,
    uid: options.uid,
  });
  const status = new AgentStatus(parts.clock);
  let local: LocalServer | null = null;
  try {
    local = await openLocal(parts, { options, base, status });
    base.writeState({
      pid: options.pid,
      url: local?.url ?? null,
      port: local?.port ?? null,
      sessionId: options.sessionId,
      localTokenFile: base.localTokenFile,
      startedAt: parts.clock.now(),
    });
    const source = await parts.source(base.agentId);
    parts.executor.prepare();
    parts.log.info('the agent is ready', { sessionId: options.sessionId, api: local?.url ?? null });
    const exit = await takeTasks({
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
      executor: parts.executor,
      source,
      options,
      base,
      status,
      control,
      masking: maskingOf,
    });
    parts.log.info('the agent ends', { ...exit });
    return exit;
  } finally {
    await local?.close();
    await parts.executor.close();
    base.close();
  }
}

async function openLocal(
  parts: AgentParts,
  {
    options,
    base,
    status,
  }: { readonly options: AgentOptions; readonly base: StateDirectory; readonly status: AgentStatus },
): Promise<LocalServer | null> {
  if (options.localApi === null) return null;
  const local = {
    clock: parts.clock,
    log: parts.log,
    status,
    version: options.version,
    sessionId: options.sessionId,
    agentId: base.agentId,
    probeFile: base.localTokenFile,
    token: readFileSync(base.localTokenFile, 'utf8'),
  };
  return openLocalApi(local, options.localApi);
}
