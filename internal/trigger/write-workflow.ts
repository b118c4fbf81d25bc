/** Writes a definition as people write it, so that reading it gives the same again. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { formatDuration } from '../domain/duration.ts';
import { formatMoney } from '../domain/money.ts';
import type { Policy } from '../domain/policy.ts';
import type { CatchUp, TriggerDefinition, WorkflowDefinition } from '../domain/workflow.ts';
import { writeNotifyRules } from './notify-shape.ts';
import { readWorkflow } from './read-workflow.ts';

type Written = Record<string, unknown>;

/** What a workflow says that is not tried again. */
const once = { maxAttempts: 1 };

/**
 * Writes a workflow; fields that have their default are left out, but for `retry`: what it is by default is for each server to say.
 * @returns what `readWorkflow` reads as this definition and switch
 */
export function writeWorkflow(definition: WorkflowDefinition, isEnabled: boolean): Written {
  const { definition: usual } = readWorkflow({ name: definition.name, run: 'x' }, { zone: 'UTC' });
  const plain = writeFields(usual);
  const written = writeFields(definition);
  const own = Object.entries(written).filter(
    ([key, value]) => key === 'name' || !isDeepStrictEqual(value, plain[key]),
  );
  const fields = Object.fromEntries(own);
  return {
    ...fields,
    ...('retry' in fields ? {} : { retry: once }),
    ...(isEnabled ? {} : { enabled: false }),
  };
}

function writeFields(definition: WorkflowDefinition): Written {
  const { catchUp, triggers, run, onError, onComplete, session, fallback, notify, ...rest } = definition;
  return {
    ...plainOf(rest),
    ...(session === definition.name ? {} : { session }),
    ...writeCatchUp(catchUp),
    run: plainOf(run),
    ...(triggers.length === 0 ? {} : { triggers: triggers.map(writeTrigger) }),
    ...(onError === null ? {} : { onError: plainOf(onError) }),
    ...(onComplete === null ? {} : { onComplete: plainOf(onComplete) }),
    ...(fallback === null
      ? {}
      : {
          fallback: plainOf(fallback.task),
          fallbackStrategy: fallback.strategy,
          migrationWeight: fallback.migrationWeight,
        }),
    // definitions of older servers have no such field
    ...((notify ?? null) === null ? {} : { notify: writeNotifyRules(notify ?? []) }),
  };
}

/** Writes a policy; what it does not say is left out. */
export function writePolicy(policy: Policy): Written {
  return plainOf(policy);
}

function writeTrigger({ catchUp, spec, ...rest }: TriggerDefinition): Written {
  const { type, name, enabled, spreadMs, ...more } = rest;
  return {
    ...{ type, name },
    ...(enabled ? {} : { enabled }),
    ...spec,
    ...plainOf(more),
    ...(spreadMs === 0 ? {} : plainOf({ spreadMs })),
    ...(catchUp === null ? {} : writeCatchUp(catchUp)),
  };
}

function writeCatchUp({ policy, windowMs, max }: CatchUp): Written {
  return { catchUp: policy, catchUpWindow: formatDuration(windowMs), catchUpMax: max };
}

/** Fields that people hand to their scripts: nothing in them is ours to write otherwise. */
const foreign = ['parameters'];
/** What an empty one says, its absence says too. */
const emptiable = ['script', 'description', 'parameters'];

/**
 * The rules by which a definition holds what people write: `timeoutMs` is `timeout` with a unit, `startAt` is an instant, null
 * is what is left out.
 */
function plainOf(fields: object): Written {
  const written: Written = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || (key === 'priority' && value === 0)) continue;
    if (emptiable.includes(key) && isEmpty(value)) continue;
    if (foreign.includes(key)) written[key] = value;
    else if (typeof value === 'number' && key.endsWith('Ms'))
      written[key.slice(0, -2)] = formatDuration(value);
    else if (typeof value === 'number' && key.endsWith('Micro'))
      written[key.slice(0, -5)] = formatMoney(value);
    else if (typeof value === 'number' && key.endsWith('At')) written[key] = new Date(value).toISOString();
    else if (typeof value === 'object' && !Array.isArray(value)) written[key] = plainOf(value);
    else written[key] = value;
  }
  return written;
}

const isEmpty = (value: unknown) =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
