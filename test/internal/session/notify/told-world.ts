/** A world in which people are told things, and what they are told. */
import {
  type Notification,
  type NotifyDefaults,
  notifyDefaults,
} from '../../../../internal/domain/notification.ts';
import type { Channel, Delivery, OutgoingMessage } from '../../../../internal/notify/channel.ts';
import { governed } from '../govern-world.ts';

/** A channel that keeps what it is sent. */
export class KeptChannel implements Channel {
  readonly name: string;
  readonly type = 'kept';
  readonly sent: OutgoingMessage[] = [];
  /** what it answers */
  delivery: Delivery = { isTaken: true };
  /** done before it answers */
  before: (signal: AbortSignal) => Promise<void> = async () => {};

  constructor(name: string) {
    this.name = name;
  }

  async send(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    this.sent.push(message);
    await this.before(signal);
    return this.delivery;
  }
}

/** A workflow `w` of session `demo` on a server with a channel `ops`, which is told everything that is usual. */
export async function told(workflow: object = {}, defaults: Partial<NotifyDefaults> = {}) {
  const world = await governed(workflow);
  const ops = new KeptChannel('ops');
  const notify = {
    channels: [ops],
    defaults: { ...notifyDefaults, to: ['ops'], ...defaults },
    publicUrl: 'https://keruta.example.com',
  };
  Object.assign(world.parts, { notify });
  const rows = (): Promise<Notification[]> => world.store.notifications({}, { limit: 1000, offset: 0 });
  return {
    ...world,
    ops,
    notifications: rows,
    /** `channel event`, oldest first */
    news: async () => (await rows()).toReversed().map(({ channel, event }) => `${channel} ${event}`),
    /** Fires the workflow, and runs its task to its end. */
    run: async (isGood: boolean) => {
      world.clock.advance(1000);
      await world.event();
      return world.end(isGood);
    },
  };
}
