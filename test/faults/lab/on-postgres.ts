/** Servers on one PostgreSQL, all of which know the same admin token. */
import { randomUUID } from 'node:crypto';
import type { Place, RunningServer } from '../../e2e/place.ts';
import { callOnce } from './speaker.ts';

/** The admin token of the servers here. */
export const sharedToken = `krt_adm_${'replica'.repeat(6)}`;

/** Starts one more server; each has a data directory of its own. @param port  default: a free one */
export function serverOn(
  place: Place,
  url: string,
  env: Readonly<Record<string, string>> = {},
  port = 0,
): Promise<RunningServer> {
  const words = ['--database-url', url, '--data-dir', place.path(`server-${randomUUID()}`)];
  return place.server(words, {
    port,
    env: { ...place.env, KERUTA_ADMIN_TOKEN: sharedToken, ...env },
    token: sharedToken,
  });
}

/** Whether the server that a place talks to is ready. */
export async function isReady(place: Place): Promise<boolean> {
  return (await callOnce(place, 'GET', '/readyz')).status === 200;
}
