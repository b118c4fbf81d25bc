import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { KerutaError } from '../../../../internal/domain/errors.ts';
import { addressOf, apiOf } from './api-access.ts';
import { type CheckParts, fail, ok, settingsCheck, skipped, warn } from './check.ts';

/** Times in logs of both sides cannot be compared beyond the first; certificates and tokens fail beyond the second; ms. */
const [warnMs, failMs] = [5_000, 60_000];

/** How far the clock of this machine is from the server's. */
export const clockCheck = settingsCheck('clock', look);

async function look(parts: CheckParts, settings: LoadedSettings) {
  const { clock } = parts.context;
  const url = await addressOf(settings);
  const before = clock.now();
  let told: number | null;
  try {
    told = await apiOf(parts, settings, { url, token: null }).health.date({ signal: parts.signal });
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    return skipped('the API does not answer, see api');
  }
  if (told === null) return skipped(`${url} does not tell its time`);
  return judgeOffset(clockOffset({ before, after: clock.now(), told }));
}

/**
 * How far this clock is ahead of the server's; ms, negative when it is behind.
 * @param times.told  the server's time in whole seconds, as HTTP tells it: it was up to a second more
 */
export function clockOffset(times: {
  readonly before: number;
  readonly after: number;
  readonly told: number;
}): number {
  const [least, most] = [times.before - (times.told + 1000), times.after - times.told];
  // anywhere between the two; what is nearest to no difference is taken
  return least > 0 ? least : Math.min(most, 0);
}

/** What an offset means. @param offsetMs  ms */
export function judgeOffset(offsetMs: number) {
  const awayMs = Math.abs(offsetMs);
  const seconds = Math.round(awayMs / 1000);
  if (awayMs <= warnMs) return ok(seconds === 0 ? 'as the server’s' : `${seconds} s from the server’s`);
  const found = `${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the server’s`;
  const advice = 'let NTP set the clock of the machine that is wrong: timedatectl set-ntp true';
  return awayMs > failMs ? fail(found, advice) : warn(found, advice);
}
