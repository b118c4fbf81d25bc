import { lstat } from 'node:fs/promises';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { baseHolder } from '../../../../internal/worker/base-lock.ts';
import { readJsonFile } from '../../../../pkg/files/json-file.ts';
import { isAlive } from '../../../../pkg/process/process-identity.ts';
import { span } from '../../people/print.ts';
import { askAgent } from '../../roles/ask-agent.ts';
import { daemonPlaces } from '../../roles/places.ts';
import { baseCheck, type CheckParts, fail, ok, warn } from './check.ts';

/** Whether an agent runs on the base directory, and does its work. */
export const agentCheck = baseCheck('agent', look);

async function look(parts: CheckParts, { values }: LoadedSettings) {
  const { clock } = parts.context;
  const holder = await holderOf(values.baseDir);
  if (holder === null) return ok('no agent runs on this base directory');
  const { stateFile } = daemonPlaces(values);
  const state = (await isFile(stateFile)) ? (readJsonFile(stateFile) as Partial<AgentFile> | null) : null;
  const who = `agent ${holder} holds ${values.baseDir}`;
  if (state?.pid !== holder || typeof state.startedAt !== 'number') {
    return warn(
      `${who}, but is not ready`,
      'it waits for the API, or has just been started: keruta daemon logs',
    );
  }
  const up = `${who}, up ${span(Math.max(0, clock.now() - state.startedAt))}, session ${state.sessionId ?? '?'}`;
  if (typeof state.url !== 'string') return ok(up);
  const health = await healthOf(state);
  if (health === 'healthy') return ok(up);
  const advice = 'see keruta daemon logs; a new agent takes up the run of one that is killed';
  if (health === null) return fail(`${up}, but does not answer at ${state.url}`, advice);
  return warn(`${up}, but says of itself: ${health}`, 'see api and token, and keruta daemon logs');
}

/** `<base>/agent.json`, as far as it matters here. */
interface AgentFile {
  readonly pid: number;
  readonly url: string | null;
  readonly socket: string | null;
  readonly localTokenFile: string;
  readonly sessionId: string;
  readonly startedAt: number;
}

/** The pid of the agent that holds a base directory; null when none does. */
export async function holderOf(baseDir: string): Promise<number | null> {
  if (!(await isFile(`${baseDir}/agent.lock`))) return null;
  const holder = baseHolder(baseDir);
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

/** Whether it is a file that reading cannot wait for. */
export async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @returns what the agent says of itself; null when it does not answer */
async function healthOf(agent: Partial<AgentFile>): Promise<string | null> {
  const { url = null, socket = null, localTokenFile = null } = agent;
  const said = (await askAgent({ url, socket, localTokenFile }, '/health')) as Partial<Health> | null;
  if (typeof said?.status !== 'string') return null;
  const reasons = Array.isArray(said.reasons) ? said.reasons.filter((one) => typeof one === 'string') : [];
  return [said.status, ...reasons].join(' ').slice(0, 100);
}

/** The answer, as far as it matters here. */
interface Health {
  readonly status: unknown;
  readonly reasons: readonly unknown[];
}
