/** Takes `~/.keruta/automation.toml` when a server starts: what it says is made, what it says no more is removed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KerutaError, NotFoundError } from '../../../internal/domain/errors.ts';
import { applyWorkflow, deleteWorkflow } from '../../../internal/session/apply-workflow.ts';
import { type SessionParts, systemCaller } from '../../../internal/session/parts.ts';
import type { Log } from '../../../pkg/log/log.ts';
import type { CommandContext } from '../command.ts';
import { automationOwner, portOf } from '../people/automation-file.ts';
import { faultsOf } from '../people/faults-of.ts';
import { resolveAgents } from '../people/resolve-agents.ts';
import { readToml } from '../people/toml-lines.ts';
import { readWorkflowFiles, type WrittenWorkflow } from '../people/workflow-files.ts';

/**
 * Never throws for what is in the file: each fault goes to the log, and what is without fault is taken. Workflows of the
 * file are removed only when all of it could be read.
 */
export async function loadAutomation(
  parts: SessionParts,
  { context, log }: { readonly context: Pick<CommandContext, 'home' | 'env'>; readonly log: Log },
): Promise<void> {
  if (!context.home) return;
  const file = fileOf(context.home);
  const written = readAll(file, context, log);
  if (written === null) return;
  const find = async (name: string) => (await parts.store.workflowByName(name))?.definition ?? null;
  const taken: string[] = [];
  let isWhole = true;
  for (const one of await resolveAgents(written, find)) {
    const faults = one.faults ?? (await applied(parts, one));
    if (faults.length === 0) taken.push(String((one.value as { readonly name?: unknown }).name));
    else isWhole = false;
    for (const fault of faults) log.error('the automation file has a fault', { fault });
  }
  if (isWhole) await removeOthers(parts, taken);
  if (taken.length > 0) log.info('the automation file was taken', { file, workflows: taken.length });
}

/** The port that the file wants webhooks to be taken on; null when it names none, switches it off, or cannot be read. */
export function webhookPortOf({ home }: Pick<CommandContext, 'home'>): number | null {
  if (!home) return null;
  try {
    return portOf(readToml('automation.toml', readFileSync(fileOf(home), 'utf8')).value);
  } catch {
    // what is wrong with it is told when its workflows are taken
    return null;
  }
}

const fileOf = (home: string) => join(home, '.keruta', 'automation.toml');

/** @returns null when there is no file, or none that can be read */
function readAll(
  file: string,
  { home, env }: Pick<CommandContext, 'home' | 'env'>,
  log: Log,
): WrittenWorkflow[] | null {
  try {
    const written = readWorkflowFiles(file, home, env ?? {});
    if (written.every(({ agent, faults }) => agent !== undefined || faults !== undefined)) return written;
    log.error('the automation file has a fault', { fault: `${file}:1: expected a table [automation]` });
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    if (!(error instanceof KerutaError)) throw error;
    log.error('the automation file has a fault', { fault: error.message });
  }
  return null;
}

async function applied(parts: SessionParts, one: WrittenWorkflow): Promise<readonly string[]> {
  try {
    await applyWorkflow(parts, { caller: systemCaller, value: one.value, owner: automationOwner });
    return [];
  } catch (error) {
    if (error instanceof KerutaError) return faultsOf(one, error);
    throw error;
  }
}

async function removeOthers(parts: SessionParts, taken: readonly string[]): Promise<void> {
  for (const { name, owner } of await parts.store.workflows())
    if (owner === automationOwner && !taken.includes(name))
      await deleteWorkflow(parts, { caller: systemCaller, name });
}
