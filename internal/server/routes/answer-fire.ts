import type { FireBody } from '../../api/workflow-shapes.ts';
import type { Caller, SessionParts } from '../../session/parts.ts';
import { askToFire, fireNow } from '../../session/trigger-verbs.ts';
import { toAskedWire } from '../../session/trigger-wire.ts';
import { toOccurrenceWire } from '../../session/workflow-wire.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import type { RouteAnswer, RouteRequest } from '../route.ts';

/** Fires by hand: 201 when it is on record now, 200 when it was, 202 with a token when the trigger wants a second call. */
export async function answerFire(
  parts: SessionParts,
  request: Pick<RouteRequest, 'headers'> & {
    readonly workflow: string;
    readonly body: FireBody;
    readonly caller: Caller;
  },
): Promise<RouteAnswer> {
  const { workflow, body, caller, headers } = request;
  const { trigger, parameters, at, force = false, confirmation } = body;
  const key = readIdempotencyKey(headers);
  const wish = {
    ...{ caller, workflow, trigger, isForced: force },
    ...(parameters === undefined ? {} : { parameters }),
    ...(at === undefined ? {} : { at: Date.parse(at) }),
    ...(key === undefined ? {} : { key }),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
  const asked = confirmation === undefined ? await askToFire(parts, wish) : null;
  if (asked !== null) return { status: 202, body: toAskedWire(asked) };
  const { isNew, occurrence } = await fireNow(parts, wish);
  return { status: isNew ? 201 : 200, body: toOccurrenceWire(occurrence, workflow) };
}
