/** Whose turn it is in a concurrency group: sessions with much to do leave room to the others. */
import { z } from 'zod';
import type { Transaction } from '../store/store.ts';

/** Within this time an agent without a task was seen where one waits for work; ms. It asks every ten seconds. */
const awakeMs = 20_000;
/** How many sessions of a group are remembered: those served last. */
const maxRemembered = 1000;

/** A session that wants to begin a task of a group. */
export interface GroupTurn {
  readonly group: string;
  readonly sessionId: string;
  /** `store.now()`; epoch ms */
  readonly now: number;
}

/**
 * Whether a session may take one of the free places of a group: not when as many other sessions, with a task and an agent that could
 * begin now, were served longer ago. The group must be held.
 * @param places  free ones, at least 1
 */
export async function isItsTurn(tx: Transaction, turn: GroupTurn, places: number): Promise<boolean> {
  const served = await servedLast(tx, turn.group);
  const own = served.indexOf(turn.sessionId);
  if (own === -1) return true;
  const seenSince = turn.now - awakeMs;
  const rivals = await tx.groupRivals(turn.group, { now: turn.now, seenSince });
  // one that was never served stands at -1: before all
  const earlier = rivals.filter((id) => id !== turn.sessionId && served.indexOf(id) < own);
  return earlier.length < places;
}

/** Puts a session behind all others of the group. */
export async function noteTurn(tx: Transaction, { group, sessionId }: GroupTurn): Promise<void> {
  const others = (await servedLast(tx, group)).filter((id) => id !== sessionId);
  await tx.putMeta(metaName(group), JSON.stringify([...others, sessionId].slice(-maxRemembered)));
}

/** Sessions of a group, the one that was served longest ago first. */
async function servedLast(tx: Transaction, group: string): Promise<readonly string[]> {
  const text = await tx.meta(metaName(group));
  return text === null ? [] : z.array(z.string()).parse(JSON.parse(text));
}

function metaName(group: string): string {
  return `turns:${group}`;
}
