import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LocalRoutes } from '../../pkg/local-http/local-http.ts';
import { fitsSocket, type LocalSocket, serveOnSocket } from '../../pkg/local-http/unix-socket.ts';
import type { Log } from '../../pkg/log/log.ts';
import { ownDirectory } from './own-directory.ts';

/**
 * Where the socket of the agent of a base directory is: `<base>/agent.sock`; when that is too long for a socket, in a
 * directory of the user's own below /tmp, under a name made from the base directory.
 * @returns the path, and the directory that it needs beside the base directory; null = none
 */
export function socketPlace(
  base: string,
  uid: number | null,
): { readonly path: string; readonly directory: string | null } {
  const path = join(base, 'agent.sock');
  if (fitsSocket(path)) return { path, directory: null };
  const directory = `/tmp/keruta-${uid ?? 'user'}`;
  const name = createHash('sha256').update(base).digest('hex').slice(0, 16);
  return { path: join(directory, `agent-${name}.sock`), directory };
}

/**
 * Serves the local API on the agent's socket. One that a dead agent left is replaced.
 * @returns null when there can be none: the agent does its work without
 */
export async function openAgentSocket(
  { log, base, uid }: { readonly log: Log; readonly base: string; readonly uid: number | null },
  what: LocalRoutes,
): Promise<LocalSocket | null> {
  const { path, directory } = socketPlace(base, uid);
  try {
    if (directory !== null) ownDirectory(directory, uid);
    return await serveOnSocket(path, what);
  } catch (error) {
    log.warn('the local API has no socket; it is served at its address only', { error, path });
    return null;
  }
}
