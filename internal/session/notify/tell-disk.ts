import type { z } from 'zod';
import type { agentDiskBody } from '../../api/notification-shapes.ts';
import { visibleSession } from '../authorize.ts';
import type { Caller, SessionParts } from '../parts.ts';
import { announce, isAnyWanted } from './announce.ts';

/** A disk that runs full and empty again and again is told of at most so often; ms. */
const quietMs = 3_600_000;

/** What is remembered of the disk of an agent. */
interface Remembered {
  /** when people were told last; epoch ms */
  readonly toldAt: number;
}

/**
 * Takes what an agent says of its disk, and tells people when no task can be taken because of it.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND
 */
export async function tellDisk(
  parts: SessionParts,
  said: {
    readonly caller: Caller;
    readonly sessionId: string;
    readonly disk: z.output<typeof agentDiskBody>;
  },
): Promise<void> {
  const { store } = parts;
  const session = await visibleSession(store, said.caller, said.sessionId);
  const { agentId, hostname, state, freeBytes, floorBytes } = said.disk;
  if (state === 'ok' || state === 'unknown' || !isAnyWanted(parts, null, ['disk_low'])) return;
  const now = await store.now();
  const name = `disk:${session.id}:${agentId}`;
  await store.transact(async (tx) => {
    await tx.lockSession(session.id);
    const kept = await tx.meta(name);
    const before = kept === null ? null : (JSON.parse(kept) as Remembered);
    if (before !== null && now - before.toldAt < quietMs) return;
    await tx.putMeta(name, JSON.stringify({ toldAt: now } satisfies Remembered));
    await announce(tx, parts, {
      ...{ what: { event: 'disk_low' }, key: `disk ${agentId} ${now}`, workflow: null, task: null, now },
      ...{ session: session.name, agent: agentId, message: '' },
      more: [`${state.replaceAll('_', ' ')} on ${hostname}${spaceOf(freeBytes, floorBytes)}`],
      commands: ['keruta daemon status'],
    });
  });
}

function spaceOf(freeBytes: number | null, floorBytes: number): string {
  return freeBytes === null ? '' : `: ${mega(freeBytes)} MB left of at least ${mega(floorBytes)} MB`;
}

const mega = (bytes: number) => Math.floor(bytes / 1e6);
