import type { LoadedSettings } from '../../../../internal/config/load-settings.ts';
import { KerutaError } from '../../../../internal/domain/errors.ts';
import { addressOf, apiOf } from './api-access.ts';
import { type CheckParts, fail, ok, settingsCheck, warn } from './check.ts';

/** Abilities without which an agent falls back to the plain protocol. */
const wanted = ['claim', 'streams', 'messages'];

/** Whether the API answers, and says that it is well. */
export const apiCheck = settingsCheck('api', look);

async function look(parts: CheckParts, settings: LoadedSettings) {
  const url = await addressOf(settings);
  const { clock } = parts.context;
  const before = clock.monotonicMs();
  try {
    const answer = await apiOf(parts, settings, { url, token: null }).health.check({ signal: parts.signal });
    const tookMs = Math.round(clock.monotonicMs() - before);
    const version = answer.version === '' ? '' : `, version ${answer.version}`;
    const found = `${url} answers within ${tookMs} ms${version}`;
    if (answer.status === 'DOWN') return fail(`${url} says that it is down: ${answer.message}`, serverAdvice);
    if (answer.health === 'degraded') return warn(`${found}, but ${answer.message}`, serverAdvice);
    const lacks = wanted.filter((ability) => !answer.abilities.includes(ability));
    if (lacks.length === 0) return ok(found);
    return warn(
      `${found}, plain protocol only (without ${lacks.join(', ')})`,
      'output and results are less sure of arriving; use a newer server where you can',
    );
  } catch (error) {
    if (!(error instanceof KerutaError)) throw error;
    const isDefault = settings.origins.apiUrl.from === 'default';
    return fail(
      `${error.message.replace(/\n/g, ' ')}${isDefault ? ' (No address is set; this is the default.)' : ''}`,
      isDefault
        ? 'start a server here (keruta up), or name one: KERUTA_API_URL'
        : `check ${settings.origins.apiUrl.name || 'the address'}, the network, and that the server runs`,
    );
  }
}

const serverAdvice = 'see the log of the server';
