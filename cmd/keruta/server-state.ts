/** What a running server leaves in its data directory, so that commands on the same machine find it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { identityOf, isAlive } from '../../pkg/process/process-identity.ts';
import { replaceFile } from './own-file.ts';

const stateShape = z.object({
  url: z.string(),
  pid: z.number(),
  startTicks: z.number().nullable(),
  bootId: z.string(),
});

/** A server of this machine. */
export type ServerState = z.infer<typeof stateShape>;

/** The server that runs on a data directory; null when none does. */
export function readServerState(dataDir: string): ServerState | null {
  try {
    const state = stateShape.parse(JSON.parse(readFileSync(fileOf(dataDir), 'utf8')));
    return isAlive(state) ? state : null;
  } catch {
    return null;
  }
}

/** Writes down the address of the server that this process is. @returns takes it away again */
export function writeServerState(dataDir: string, url: string, pid: number): () => void {
  const identity = identityOf(pid) ?? { pid, startTicks: null, bootId: '' };
  replaceFile(fileOf(dataDir), `${JSON.stringify({ url, ...identity })}\n`, String(pid));
  return () => rmSync(fileOf(dataDir), { force: true });
}

const fileOf = (dataDir: string) => join(dataDir, 'server.json');
