/** Asks the agent of this machine: on its socket, else at its address with the token that stands in its base directory. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { makeHttp } from '../../../pkg/http/http.ts';
import { askSocket } from '../../../pkg/local-http/ask-socket.ts';

const stateShape = z.looseObject({
  pid: z.number(),
  url: z.string().nullable(),
  /** left out by older versions */
  socket: z.string().nullish(),
  localTokenFile: z.string().nullish(),
  sessionId: z.string(),
  startedAt: z.number(),
});

/** `agent.json`, as far as commands need it. */
export type AgentFile = z.infer<typeof stateShape>;

/** Longest that an agent may take to answer; ms. */
const answerMs = 3_000;

/** Reads the state file of an agent; null when there is none. Whether that agent lives is another question. */
export function readAgentFile(file: string): AgentFile | null {
  try {
    return stateShape.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}

/** @returns the JSON that the agent answers, whatever the status; null when it does not answer */
export async function askAgent(
  agent: Pick<AgentFile, 'url' | 'socket' | 'localTokenFile'>,
  path: '/health' | '/status',
): Promise<unknown> {
  const text = (await overSocket(agent.socket ?? null, path)) ?? (await overAddress(agent, path));
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

async function overSocket(socket: string | null, path: string): Promise<string | null> {
  if (socket === null) return null;
  try {
    return (await askSocket(socket, { path, timeoutMs: answerMs })).text;
  } catch {
    return null;
  }
}

async function overAddress(
  { url, localTokenFile }: Pick<AgentFile, 'url' | 'localTokenFile'>,
  path: string,
): Promise<string | null> {
  if (url === null) return null;
  const http = makeHttp({
    userAgent: 'keruta',
    connectMs: answerMs,
    headersMs: answerMs,
    stallMs: answerMs,
  });
  try {
    const token = localTokenFile ? readFileSync(localTokenFile, 'utf8') : '';
    const headers = { authorization: `Bearer ${token}` };
    return await (await http.request({ method: 'GET', url: `${url}${path}`, headers })).text();
  } catch {
    return null;
  } finally {
    await http.close();
  }
}
