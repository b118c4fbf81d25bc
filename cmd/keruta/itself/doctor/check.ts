/** The port of a check: a name and one look at one thing. A check never changes what it looks at. */
import { lstat } from 'node:fs/promises';
import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import type { CommandContext } from '../../command.ts';

/** `warn`: it works, but a person should know; `fail`: it does not; `skipped`: it could not be looked at. */
export type CheckState = 'ok' | 'warn' | 'fail' | 'skipped';

/** What one check found. */
export interface Finding {
  readonly state: CheckState;
  /** one line, without secrets */
  readonly found: string;
  /** what to do about it, in one line; null when there is nothing to do */
  readonly advice: string | null;
}

/** What every check may use. */
export interface CheckParts {
  readonly context: CommandContext;
  /** the settings; null when they cannot be read: the check `config` says why. Read once. */
  readonly settings: () => Promise<LoadedSettings | null>;
  /** `--config` as it was written; null when it was not given */
  readonly configFile: string | null;
  /** aborted when the time of this check is over, or the person stops the command */
  readonly signal: AbortSignal;
}

/** One check. */
export interface Check {
  /** short, with dashes; a promise to programs that read the JSON */
  readonly name: string;
  /** Looks. What it throws counts as `fail`, with the message of the error. */
  readonly look: (parts: CheckParts) => Promise<Finding>;
}

/** It is as it should be. */
export const ok = (found: string): Finding => ({ state: 'ok', found, advice: null });
/** It works, but not as well as it could. */
export const warn = (found: string, advice: string): Finding => ({ state: 'warn', found, advice });
/** It does not work. */
export const fail = (found: string, advice: string): Finding => ({ state: 'fail', found, advice });
/** It could not be looked at. */
export const skipped = (found: string): Finding => ({ state: 'skipped', found, advice: null });

/** Makes a check that needs the settings; it is skipped without them. */
export function settingsCheck(
  name: string,
  look: (parts: CheckParts, settings: LoadedSettings) => Promise<Finding>,
): Check {
  return {
    name,
    look: async (parts) => {
      const settings = await parts.settings();
      return settings === null ? skipped('the settings cannot be read, see config') : look(parts, settings);
    },
  };
}

/** Makes a check of something in the base directory; it is skipped while there is none. */
export function baseCheck(
  name: string,
  look: (parts: CheckParts, settings: LoadedSettings) => Promise<Finding>,
): Check {
  return settingsCheck(name, async (parts, settings) => {
    const { baseDir } = settings.values;
    const found = await lstat(baseDir).catch(() => null);
    if (found === null) return skipped(`there is no ${baseDir} yet`);
    if (!found.isDirectory()) return skipped(`${baseDir} is no directory, see base-directory`);
    return look(parts, settings);
  });
}

/** Says a number of things: `1 run`, `3 runs`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** Names the first few of a list, and how many there are beside them. */
export function listed(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
