import { describe, expect, onTestFinished, test } from 'vitest';
import type { Channel, OutgoingMessage } from '../../../internal/notify/channel.ts';

/** The other side of a channel, as a test steers it. */
export interface OtherSide {
  /** the channel as it is set up for this other side; `secret` null: it is not there */
  channel(options?: { readonly secret?: string | null; readonly isAllowed?: boolean }): Channel;
  /** text of what arrived, oldest first */
  arrived(): readonly string[];
  /** lets it answer like this from now on */
  behave(how: 'well' | 'refuses' | 'is busy' | 'says nothing' | 'is gone' | 'redirects'): Promise<void>;
  /** connections that are open now; null = that cannot be seen */
  connections(): number | null;
  /** what must never be told */
  readonly secrets: readonly string[];
  /** whether it has a secret of its own, and whether its address is chosen by who sets it up */
  readonly hasSecret: boolean;
  readonly isGuarded: boolean;
  close(): Promise<void>;
}

/** A message of which everything is known. */
export const message: OutgoingMessage = {
  ...{ id: '0198b6f0-7c1e-7000-8000-2b7c5d1f9a10', createdAt: Date.UTC(2026, 0, 1), isRepeated: false },
  ...{ subject: 'Workflow <nightly> failed & more', text: 'said:\n@here <!channel> ```x``` .\n.\n$ keruta' },
  words: {
    ...{ event: 'failure', summary: 's', details: 'd', workflow: 'nightly', session: 'nightly' },
    ...{ task: 'nightly', taskId: 't1', agent: null, failures: 3, message: 'said', url: null },
    at: '2026-01-01T00:00:00.000Z',
  },
};
const quiet = new AbortController().signal;

/** The laws of `internal/notify/channel.ts`; every adapter passes them. */
export function channelContract(name: string, open: () => Promise<OtherSide>): void {
  describe(`the channel ${name}`, () => {
    const start = async () => {
      const side = await open();
      onTestFinished(() => side.close());
      return side;
    };
    const expectHarmless = (side: OtherSide, why: unknown) => {
      for (const secret of side.secrets) expect(JSON.stringify(why)).not.toContain(secret);
    };

    test('hands a message over with its id, and with the same id when it is sent again', async () => {
      const side = await start();
      const channel = side.channel();
      expect(await channel.send(message, quiet)).toEqual({ isTaken: true });
      const [first = ''] = side.arrived();
      expect(first).toContain(message.id);
      expect(first).toContain('nightly');
      expect(await channel.send({ ...message, isRepeated: true }, quiet)).toEqual({ isTaken: true });
      for (const one of side.arrived()) expect(one).toContain(message.id);
    });

    test.each(['refuses', 'is busy', 'is gone'] as const)(
      'S-48: says why a message was not taken by a side that %s, without its words and without a secret',
      async (how) => {
        const side = await start();
        await side.behave(how);
        const delivery = await side.channel().send(message, quiet);
        expect(delivery).toMatchObject({ isTaken: false, isPassing: how !== 'refuses' });
        expect(delivery).toMatchObject({ why: expect.stringMatching(/^\S.{3,}[^.]$/) });
        expectHarmless(side, delivery);
        expect(side.arrived()).toEqual([]);
      },
    );

    test('ends with its signal when the other side says nothing, and leaves no connection', async () => {
      const side = await start();
      await side.behave('says nothing');
      const late = new AbortController();
      const sent = side.channel().send(message, late.signal);
      if (side.connections() !== null) await expect.poll(() => side.connections()).toBeGreaterThan(0);
      late.abort(new Error('enough'));
      const delivery = await sent;
      expect(delivery).toMatchObject({
        isTaken: false,
        isPassing: true,
        why: expect.stringContaining('in time'),
      });
      if (side.connections() !== null) await expect.poll(() => side.connections()).toBe(0);
    });

    test('needs its secret, each time', async () => {
      const side = await start();
      if (!side.hasSecret) return;
      const delivery = await side.channel({ secret: null }).send(message, quiet);
      expect(delivery).toMatchObject({ isTaken: false, isPassing: true });
      expect(side.arrived()).toEqual([]);
      expect(await side.channel().send(message, quiet)).toEqual({ isTaken: true });
    });

    test('calls nobody inside the own network unless that is allowed, and follows no redirect', async () => {
      const side = await start();
      if (!side.isGuarded) return;
      const delivery = await side.channel({ isAllowed: false }).send(message, quiet);
      expect(delivery).toMatchObject({ isTaken: false, isPassing: false });
      expect(delivery).toMatchObject({ why: expect.stringContaining('KERUTA_NOTIFY_ALLOW') });
      expect(side.connections() ?? 0).toBe(0);
      await side.behave('redirects');
      const redirected = await side.channel().send(message, quiet);
      if (redirected.isTaken || redirected.isPassing) return;
      expect(redirected.why).toContain('redirects are not followed');
      expect(side.arrived()).toEqual([]);
    });
  });
}
