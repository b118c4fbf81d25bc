/**
 * Two steps to fire by hand: the first gives a token that is good for one fire of that trigger, by the same caller, with the same
 * parameters, for ten minutes; the second uses it up. Only the token's hash is kept.
 */
import { createHash } from 'node:crypto';
import { ConflictError, InputError, NotFoundError } from '../domain/errors.ts';
import type { Trigger } from '../domain/workflow.ts';
import type { Transaction } from '../store/store.ts';
import type { Caller, SessionParts } from './parts.ts';

/** How long a confirmation waits for its second step; ms. */
export const confirmationMs = 600_000;
/** How long one that is over is told from one that never was; ms. */
const rememberedMs = 86_400_000;

/** A token that stands for one fire; the only moment at which its text is known. */
export interface Asked {
  readonly token: string;
  readonly trigger: Trigger;
  readonly expiresAt: number;
}

/** What is to be fired, as far as a confirmation binds it. */
export interface ConfirmedWish {
  readonly caller: Caller;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** epoch ms */
  readonly at?: number;
  readonly isForced?: boolean;
  readonly confirmation?: string;
}

interface About {
  readonly trigger: Trigger;
  readonly wish: ConfirmedWish;
  readonly now: number;
}

/** Makes a token for a wish. */
export async function giveConfirmation(
  tx: Transaction,
  { random }: SessionParts,
  { trigger, wish, now }: About,
): Promise<Asked> {
  const token = `confirm_${random.secret(24)}`;
  const expiresAt = now + confirmationMs;
  const { id: triggerId } = trigger;
  const bound = { triggerId, actor: wish.caller.actor, fingerprint: fingerprintOf(wish) };
  await tx.forgetConfirmations(now - rememberedMs);
  await tx.putConfirmation({ hash: sha256(token), ...bound, expiresAt, usedAt: null });
  return { token, trigger, expiresAt };
}

/**
 * Uses a token up; with the fire in one transaction.
 * @throws {InputError} KERUTA_ERR_CONFIRMATION_MISMATCH; {ConflictError} KERUTA_ERR_CONFIRMATION_USED
 * @throws {NotFoundError} KERUTA_ERR_CONFIRMATION_EXPIRED
 */
export async function takeConfirmation(tx: Transaction, { trigger, wish, now }: About): Promise<void> {
  const found = wish.confirmation === undefined ? null : await tx.confirmation(sha256(wish.confirmation));
  // what belongs to others looks like what never was
  const isOurs = found?.triggerId === trigger.id && found.actor === wish.caller.actor;
  if (found === null || !isOurs || found.fingerprint !== fingerprintOf(wish))
    throw new InputError(
      'KERUTA_ERR_CONFIRMATION_MISMATCH',
      `Trigger ${trigger.name} wants a confirmation that was given to the same caller for the same parameters; ` +
        'fire without one to get it.',
    );
  if (found.usedAt !== null)
    throw new ConflictError(
      'KERUTA_ERR_CONFIRMATION_USED',
      `The confirmation was used at ${new Date(found.usedAt).toISOString()} already; it fires once.`,
    );
  if (found.expiresAt <= now)
    throw new NotFoundError(
      'KERUTA_ERR_CONFIRMATION_EXPIRED',
      `The confirmation ended at ${new Date(found.expiresAt).toISOString()}; fire without one to get another.`,
    );
  await tx.putConfirmation({ ...found, usedAt: now });
}

function fingerprintOf({ parameters = {}, at, isForced = false }: ConfirmedWish): string {
  return sha256(canonical({ parameters, at: at ?? null, isForced }));
}

/** JSON with its keys in order, so that the same values give the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
