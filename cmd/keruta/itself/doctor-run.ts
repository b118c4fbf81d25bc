/** Runs checks side by side, each in its own time, and takes secrets out of what they say. */
import { lstat } from 'node:fs/promises';
import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import type { CommandContext } from '../command.ts';
import { type Check, type CheckParts, type Finding, fail } from './doctor/check.ts';

/** A finding with the name of its check. */
export type NamedFinding = Finding & { readonly name: string };

/** How long one check may take; ms. */
export const checkLimitMs = 5_000;

/**
 * Runs all checks at the same time and waits for each no longer than its limit; one that is not done then has failed, and
 * what it still does is left to itself.
 *
 * @returns findings in the order of the checks; `isStuck`: a check did not end when it was told to
 * @throws the reason of the context's signal when the person stops the command
 */
export async function runChecks(
  context: CommandContext,
  checks: readonly Check[],
  options: { readonly configFile: string | null; readonly limitMs?: number },
): Promise<{ readonly findings: readonly NamedFinding[]; readonly isStuck: boolean }> {
  const { configFile, limitMs = checkLimitMs } = options;
  let settings: Promise<LoadedSettings | null> | null = null;
  const common = {
    context,
    configFile,
    settings: () => {
      settings ??= loadedSettings(context);
      return settings;
    },
  };
  let isStuck = false;
  const findings = await Promise.all(
    checks.map(async (check) => {
      const { finding, ended } = await inTime(common, check, limitMs);
      if (!ended) isStuck = true;
      return { name: check.name, ...finding };
    }),
  );
  context.signal.throwIfAborted();
  const hide = await hider(context, settings);
  const shown = findings.map(({ found, advice, ...rest }) => ({
    ...rest,
    found: hide(found),
    advice: advice === null ? null : hide(advice),
  }));
  return { findings: shown, isStuck };
}

/** A file system that hangs is met here, where waiting for it blocks nothing else. */
async function loadedSettings(context: CommandContext): Promise<LoadedSettings | null> {
  await lstat(context.home === '' ? '/' : context.home).catch(() => null);
  return context.settings().catch(() => null);
}

async function inTime(
  common: Omit<CheckParts, 'signal'>,
  check: Check,
  limitMs: number,
): Promise<{ readonly finding: Finding; readonly ended: boolean }> {
  const { clock, signal: stopped } = common.context;
  const time = new AbortController();
  const signal = AbortSignal.any([time.signal, stopped]);
  const looking = (async () => check.look({ ...common, signal }))().catch((error: unknown) =>
    fail(oneLine(error), 'see the message: it was not expected here'),
  );
  const done = new AbortController();
  try {
    const first = await Promise.race([
      looking,
      clock.sleep(limitMs, AbortSignal.any([done.signal, stopped])).catch(() => null),
    ]);
    if (first) return { finding: first, ended: true };
    const late = fail(
      `no answer within ${limitMs / 1000} s`,
      'something that this looks at hangs: a file system, a program, or a network; keruta waits for it likewise',
    );
    return { finding: late, ended: false };
  } finally {
    done.abort();
    time.abort(new Error('the time of the check is over'));
  }
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, '; ');
}

/** Whatever a message quotes: the token is not in it, nor a password in front of an `@`. */
async function hider(
  context: CommandContext,
  settings: Promise<LoadedSettings | null> | null,
): Promise<(text: string) => string> {
  const secrets = [context.env.KERUTA_API_TOKEN, context.env.KERUTA_AUTH_TOKEN, context.env.KERUTA_API_KEY];
  // what is not loaded by now hangs, and so nothing was read from it
  const notYet = context.clock.sleep(0).then(() => null);
  const loaded = await Promise.race([settings ?? notYet, notYet]);
  if (loaded !== null) {
    const { findAccess } = await import('../client.ts');
    try {
      secrets.push(findAccess(loaded).token ?? undefined);
    } catch {
      // the file that should hold it cannot be read: nothing of it can be shown
    }
  }
  const known = secrets.filter((secret): secret is string => secret !== undefined && secret.length >= 4);
  return (text) =>
    known
      .reduce((hidden, secret) => hidden.replaceAll(secret, '********'), text)
      .replace(/\/\/[^/@\s]*@/g, '//…@');
}
