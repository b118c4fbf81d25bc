import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { AppliedWire } from '../../../internal/api/workflow-shapes.ts';
import { InputError, KerutaError, NotFoundError } from '../../../internal/domain/errors.ts';
import { type WorkflowDefinition, workflowDefaults } from '../../../internal/domain/workflow.ts';
import { type CommandContext, command } from '../command.ts';
import { faultsOf } from './faults-of.ts';
import { printJson, styleOf } from './print.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

/** `keruta apply` */
export const apply = command({
  name: 'apply',
  summary: 'Makes or changes workflows as files say; shows what changes first.',
  description:
    'Reads YAML or TOML files; without -f those in .keruta/workflows. The same again changes nothing. A workflow belongs to ' +
    'the place that it was applied from: another place, or the API, changes it only with --take-over.',
  positionals: {},
  options: {
    file: {
      kind: 'list',
      short: 'f',
      doc: 'a file or a directory; may be given more than once',
      placeholder: 'PATH',
    },
    'dry-run': { kind: 'bool', doc: 'shows what would change, and changes nothing', default: false },
    prune: {
      kind: 'bool',
      doc: 'removes workflows that were applied from the same place and are not there any more',
      default: false,
    },
    'take-over': { kind: 'bool', doc: 'also changes workflows that belong to another place', default: false },
  },
  examples: ['keruta apply', 'keruta apply -f nightly.yaml --dry-run', 'keruta apply -f workflows/ --prune'],
  run: async (context, values) => {
    const { defaultPlace, readWorkflowFiles } = await import('./workflow-files.ts');
    const places = values.file ?? [defaultPlace];
    const written = places.map((place) => ({
      owner: ownerOf(place),
      workflows: readWorkflowFiles(place, context.cwd, context.env),
    }));
    const { prune, 'dry-run': isDryRun, 'take-over': takeOver } = values;
    return applyWritten(context, written, { isDryRun, prune, takeOver });
  },
});

/** Workflows of one place. */
export interface WrittenPlace {
  readonly owner: string;
  readonly workflows: readonly WrittenWorkflow[];
}

/**
 * Makes or changes workflows, and shows what changes first.
 * @returns the exit status
 * @throws {InputError} KERUTA_ERR_WORKFLOW with every fault of all of them; nothing was changed then
 */
export async function applyWritten(
  context: CommandContext,
  written: readonly WrittenPlace[],
  {
    isDryRun,
    prune,
    takeOver,
  }: { readonly isDryRun: boolean; readonly prune: boolean; readonly takeOver: boolean },
): Promise<number> {
  const client = await context.makeClient();
  const known = (name: string) =>
    client.workflows.get(name, { signal: context.signal }).then(
      ({ definition }) => definition as unknown as WorkflowDefinition,
      (error: unknown) => {
        if (error instanceof NotFoundError) return null;
        throw error;
      },
    );
  const all = await resolvedPlaces(written, known);
  refuseDoubles(all.map(({ one }) => one));
  const options = { signal: context.signal };
  const planned = await each(all, (one, owner) =>
    client.workflows.apply(one.value, { takeOver, owner, dryRun: true }, options),
  );
  const gone = prune ? await prunable(client, { written, all }, context) : [];
  if (!context.json) await show(context, planned, gone);
  if (!isDryRun) {
    await each(all, (one, owner) => client.workflows.apply(one.value, { takeOver, owner }, options));
    for (const name of gone) await client.workflows.remove(name, options);
  }
  if (context.json) await printJson(context, { dryRun: isDryRun, applied: planned, removed: gone });
  return 0;
}

interface OwnedWorkflow {
  readonly owner: string;
  readonly one: WrittenWorkflow;
}

/** All of them, with what their agents run; those of automation files belong to that kind of file, wherever it is. */
async function resolvedPlaces(
  written: readonly WrittenPlace[],
  find: (name: string) => Promise<WorkflowDefinition | null>,
): Promise<OwnedWorkflow[]> {
  const { automationOwner } = await import('./automation-file.ts');
  const { resolveAgents } = await import('./resolve-agents.ts');
  const ones = await resolveAgents(
    written.flatMap(({ workflows }) => workflows),
    find,
  );
  const owners = written.flatMap(({ owner, workflows }) => workflows.map(() => owner));
  return ones.map((one, index) => ({
    owner: one.agent === undefined ? (owners[index] ?? '') : automationOwner,
    one,
  }));
}

/** A place is the same wherever one stands in it. */
function ownerOf(place: string): string {
  return `file:${place.replace(/^\.\//, '').replace(/\/+$/, '')}`;
}

/** Does something with every workflow, and tells the faults of all of them at once, with file and line. */
async function each(
  all: readonly { readonly owner: string; readonly one: WrittenWorkflow }[],
  work: (one: WrittenWorkflow, owner: string) => Promise<AppliedWire>,
): Promise<AppliedWire[]> {
  const done: AppliedWire[] = [];
  const faults: string[] = [];
  for (const { owner, one } of all) {
    if (one.faults !== undefined) {
      faults.push(...one.faults);
      continue;
    }
    if (one.value === null || typeof one.value !== 'object' || Array.isArray(one.value)) {
      faults.push(`${one.file}:${one.lineOf([])}: expected a workflow: keys and values`);
      continue;
    }
    try {
      done.push(await work(one, owner));
    } catch (error) {
      if (!(error instanceof KerutaError) || error.code !== 'KERUTA_ERR_WORKFLOW') throw error;
      faults.push(...faultsOf(one, error));
    }
  }
  if (faults.length > 0) throw new InputError('KERUTA_ERR_WORKFLOW', faults.join('\n'));
  return done;
}

function refuseDoubles(all: readonly WrittenWorkflow[]): void {
  const doubles = doublesOf(all);
  if (doubles.length > 0) throw new InputError('KERUTA_ERR_WORKFLOW', doubles.join('\n'));
}

/** Workflows that have the name of another one, each with file and line. */
export function doublesOf(all: readonly WrittenWorkflow[]): string[] {
  const places = new Map<string, string>();
  const doubles: string[] = [];
  for (const one of all) {
    const name = (one.value as { readonly name?: unknown } | null)?.name;
    if (typeof name !== 'string') continue;
    const place = `${one.file}:${one.lineOf(['name'])}`;
    const first = places.get(name);
    if (first === undefined) places.set(name, place);
    else doubles.push(`${place}: expected a name of its own, got ${name}, which ${first} has too`);
  }
  return doubles;
}

async function prunable(
  client: ApiClient,
  { written, all }: { readonly written: readonly WrittenPlace[]; readonly all: readonly OwnedWorkflow[] },
  context: CommandContext,
): Promise<string[]> {
  const owners = new Set([...written, ...all].map(({ owner }) => owner));
  const names = new Set(all.map(({ one }) => (one.value as { name?: unknown }).name));
  const there = await client.workflows.list({ signal: context.signal });
  return there.filter(({ owner, name }) => owners.has(owner) && !names.has(name)).map(({ name }) => name);
}

async function show(
  context: CommandContext,
  planned: readonly AppliedWire[],
  gone: readonly string[],
): Promise<void> {
  const { diffLines, diffOf } = await import('./definition-diff.ts');
  // what a new one has by default is not worth a line
  const usual = workflowDefaults;
  const { green, red, dim } = styleOf(context);
  for (const { change, workflow, before, warnings } of planned) {
    await context.stdout.write(`${workflow.name}: ${change === 'unchanged' ? dim(change) : change}\n`);
    if (change !== 'unchanged') {
      const lines = diffOf(before ?? usual, workflow.definition).flatMap(diffLines);
      // a field of its type stands there because somebody wrote it
      const isBlank = (line: string) =>
        !line.includes('.spec.') && /: (null|\[\]|\{\}|false|true|0|)$/.test(line);
      const shown = before === null ? lines.filter((line) => !isBlank(line)) : lines;
      await context.stdout.write(
        shown.map((line) => `  ${line.startsWith('-') ? red(line) : green(line)}\n`).join(''),
      );
    }
    for (const { message } of warnings) await context.stderr.write(`warning: ${workflow.name}: ${message}\n`);
  }
  for (const name of gone) await context.stdout.write(`${name}: ${red('removed')}\n`);
}
