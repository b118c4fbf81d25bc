/**
 * Secrets that become known while a run is going on. From the command to the agent a value travels in a file of its own
 * (`<run>/secrets/<id>`, 0600), which is removed as soon as the agent has written it down: the mailbox, which stays, holds
 * the id alone.
 */
import { constants, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../../pkg/log/log.ts';
import type { Cursor } from './cursor.ts';
import type { Request } from './mailbox-words.ts';
import type { LateSecret, Masking } from './masking.ts';

/** Largest value; bytes. */
export const maxSecretBytes = 16 * 1024;

/** What taking up a secret needs. */
export interface LateSecretParts {
  readonly log: Log;
  readonly cursor: Cursor;
  readonly masking: Masking;
}

/** Leaves a value for the agent. @param id  a UUID @throws when the disk does not take it */
export function leaveSecret(run: string, id: string, value: string): void {
  const file = secretFile(run, id);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, value, { mode: 0o600, flag: 'wx' });
}

/** Masks a value from its places on, and writes that down. A value that is known already changes nothing. */
export function keepSecret({ cursor, masking }: LateSecretParts, secret: LateSecret): void {
  const taken = masking.add(secret);
  if (taken === null) return;
  cursor.state.lateSecrets.push(taken);
  cursor.save();
}

/** Takes up what `redact add` left. Read again after a restart, the record changes nothing. */
export function takeSecret(
  parts: LateSecretParts,
  run: string,
  { id, from, name }: Extract<Request, { kind: 'redact' }>,
): void {
  const file = secretFile(run, id);
  const value = readSecret(file);
  if (value === null) {
    if (!parts.cursor.state.lateSecrets.some((known) => known.id === id)) {
      parts.log.warn('a secret that a script added is gone before it was read', { name });
    }
    return;
  }
  keepSecret(parts, { value, from, id });
  parts.log.info('a secret was added', { name });
  if (parts.cursor.isSaved) rmSync(file, { force: true });
}

/** Null when it is not there, or is no file that the command can have left: a FIFO would be waited for. */
function readSecret(file: string): string | null {
  try {
    const found = lstatSync(file);
    if (!found.isFile() || found.size > maxSecretBytes) return null;
    return readFileSync(file, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW });
  } catch {
    return null;
  }
}

function secretFile(run: string, id: string): string {
  return join(run, 'secrets', id);
}
