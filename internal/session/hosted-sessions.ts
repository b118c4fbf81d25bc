import { isClosed } from '../domain/session.ts';
import type { SessionParts } from './parts.ts';

/** A session that needs an agent, since workflows run in it. */
export interface HostedSession {
  readonly id: string;
  /** whether its agent has files to watch: then it never has nothing to do */
  readonly watchesFiles: boolean;
}

/** After this it is looked again, whatever was heard; ms. */
const maxAgeMs = 60_000;

/** The sessions that enabled workflows name. Kept until something is heard of workflows or sessions: definitions may be large. */
export class HostedSessions {
  readonly #parts: Pick<SessionParts, 'store' | 'clock'>;
  #known: readonly HostedSession[] | null = null;
  #readAt = 0;
  /** how often something was heard: what is read meanwhile may be old already */
  #heard = 0;

  constructor(parts: Pick<SessionParts, 'store' | 'clock'>) {
    this.#parts = parts;
    for (const topic of ['triggers', 'sessions'] as const)
      parts.store.subscribe(topic, () => {
        this.#heard += 1;
        this.#known = null;
      });
  }

  /** By the names of their workflows. One that is gone or closed is left out. */
  async current(): Promise<readonly HostedSession[]> {
    const now = this.#parts.clock.monotonicMs();
    if (this.#known !== null && now - this.#readAt < maxAgeMs) return this.#known;
    const heard = this.#heard;
    const read = await this.#read();
    if (heard === this.#heard) [this.#known, this.#readAt] = [read, now];
    return read;
  }

  async #read(): Promise<readonly HostedSession[]> {
    const { store } = this.#parts;
    const byName = new Map<string, boolean>();
    for (const { enabled, definition } of await store.workflows()) {
      if (!enabled) continue;
      const { session, triggers } = definition;
      const watches = triggers.some((one) => one.type === 'file' && one.enabled);
      byName.set(session, (byName.get(session) ?? false) || watches);
    }
    const found: HostedSession[] = [];
    for (const [name, watchesFiles] of byName) {
      const session = await store.sessionByName(name);
      if (session !== null && !isClosed(session.status)) found.push({ id: session.id, watchesFiles });
    }
    return found;
  }
}
