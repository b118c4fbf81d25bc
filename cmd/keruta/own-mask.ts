import type { SettingValues } from '../../internal/config/table.ts';
import { settingKeys, settingsTable } from '../../internal/config/table.ts';
import { secretsOf } from '../../internal/worker/secrets.ts';
import { passwordsOf } from '../../pkg/redact/passwords-of.ts';
import { maskOf } from '../../pkg/redact/redactor.ts';

/**
 * Masks what is secret in this process's own environment and settings: for its logs and for what it prints about its own
 * faults, where nobody knows beforehand what stands in a message.
 *
 * @param env     every variable that looks like a secret counts, and the password of every address
 * @param values  settings that were read, from files too; default: none
 */
export function ownMask(
  env: Readonly<Record<string, string | undefined>>,
  values: Partial<SettingValues> = {},
): (text: string) => string {
  return maskOf(ownSecrets(env, values));
}

/** The values that `ownMask` masks. */
export function ownSecrets(
  env: Readonly<Record<string, string | undefined>>,
  values: Partial<SettingValues>,
): readonly string[] {
  const told = settingKeys.flatMap((key) => {
    const value: unknown = values[key];
    if (typeof value !== 'string') return [];
    const passwords = passwordsOf(value);
    // of an address the rest may be read: it says what could not be reached
    return settingsTable[key].secret && passwords.length === 0 ? [value] : passwords;
  });
  return secretsOf(env, told).values;
}
