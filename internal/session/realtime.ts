/** Events about sessions as such, for clients of the plain protocol: no tasks, no resume. */
import type { LiveEvent } from '../domain/records.ts';
import { visibleSession } from './authorize.ts';
import type { LiveMessage } from './live.ts';
import type { Caller, SessionParts } from './parts.ts';
import { Wakeup } from './wakeup.ts';

/** How often all sessions are looked through for a reader that follows them all; ms. */
const lookEveryMs = 2_000;
const heartbeatMs = 15_000;

/** What the plain protocol calls these events: those that concern a session as such. */
function isAboutSession(event: LiveEvent): boolean {
  return event.type.startsWith('session_');
}

/**
 * Follows what happens to one session, or to all that the caller may see, from now on; `connected` comes first.
 * @throws {NotFoundError} KERUTA_ERR_SESSION_NOT_FOUND; before the first message
 */
export async function followRealtime(
  parts: SessionParts,
  wish: { readonly caller: Caller; readonly sessionId: string | null; readonly signal: AbortSignal },
): Promise<AsyncIterable<LiveMessage>> {
  const only = wish.sessionId ?? wish.caller.sessionId;
  const session = only === null ? null : await visibleSession(parts.store, wish.caller, only);
  const seqs = new Map<string, number>();
  const known = session ? [session] : await parts.store.sessions({});
  for (const { id } of known) seqs.set(id, await parts.store.lastEventSeq(id));
  return messages(parts, { sessionId: session?.id ?? null, seqs, signal: wish.signal });
}

async function* messages(
  parts: SessionParts,
  reader: {
    readonly sessionId: string | null;
    readonly seqs: Map<string, number>;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<LiveMessage, void, void> {
  const { store, clock } = parts;
  const { sessionId, seqs, signal } = reader;
  const wakeup = new Wakeup(store, sessionId === null ? 'sessions' : `session:${sessionId}`);
  try {
    const now = await store.now();
    yield { event: 'connected', id: '', data: { message: 'connected', sessionId, timestamp: now } };
    let told = now;
    while (!signal.aborted) {
      for await (const event of news(parts, reader)) {
        told = await store.now();
        const data = { sessionId: event.sessionId, data: event.data, timestamp: event.at };
        yield { event: event.type, id: '', data };
      }
      await wakeup.wait(clock, sessionId === null ? lookEveryMs : heartbeatMs, signal);
      if (Math.abs((await store.now()) - told) < heartbeatMs) continue;
      told = await store.now();
      yield { event: 'heartbeat' };
      if (sessionId !== null && !seqs.has(sessionId)) return;
    }
  } finally {
    wakeup.close();
  }
}

/** The events that the reader does not have yet; a session that is gone is told as deleted. */
async function* news(
  { store }: SessionParts,
  { sessionId, seqs }: { readonly sessionId: string | null; readonly seqs: Map<string, number> },
): AsyncGenerator<LiveEvent, void, void> {
  const present = sessionId === null ? (await store.sessions({})).map(({ id }) => id) : [sessionId];
  for (const id of new Set([...seqs.keys(), ...present])) {
    const from = seqs.get(id) ?? 0;
    const events = await store.events(id, from, 1_000);
    seqs.set(id, events.at(-1)?.seq ?? from);
    yield* events.filter(isAboutSession);
    const gone = (await store.session(id)) === null;
    if (gone && seqs.delete(id) && !events.some((event) => event.type === 'session_deleted')) {
      yield deleted(id, await store.now());
    }
    if (gone && sessionId !== null) return;
  }
}

function deleted(sessionId: string, at: number): LiveEvent {
  const data = { sessionId, deletedAt: new Date(at).toISOString() };
  return { seq: 0, sessionId, taskId: null, type: 'session_deleted', data, at };
}
