import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { command } from '../command.ts';
import type { Carriage } from '../library/to-workflow.ts';
import type { WrittenWorkflow } from './workflow-files.ts';

/** `keruta deploy` */
export const deploy = command({
  name: 'deploy',
  summary: 'Makes workflows of the functions of a file that uses the library.',
  description:
    'Each function that is exported or has a trigger becomes the workflow <file>.<function>; an agent runs the function as a ' +
    'task. The text of the file is part of the task, so that a task runs the version that it was made by; a file that imports ' +
    'others has to be on the agent (--at). Retry, time and events are up to the server then.',
  positionals: { file: { doc: 'a file in TypeScript or JavaScript' } },
  options: {
    session: {
      kind: 'string',
      doc: "the session whose agent runs the functions; the file's name when left out",
      placeholder: 'NAME',
    },
    at: {
      kind: 'string',
      doc: 'where the agent finds the file: absolute, or below the clone of the session; its text is not carried then',
      placeholder: 'PATH',
    },
    'dry-run': { kind: 'bool', doc: 'shows what would change, and changes nothing', default: false },
    prune: {
      kind: 'bool',
      doc: 'removes workflows of functions that are not there any more',
      default: false,
    },
    'take-over': { kind: 'bool', doc: 'also changes workflows that belong to another place', default: false },
  },
  examples: ['keruta deploy automation.ts', 'keruta deploy automation.ts --session default --prune'],
  run: async (context, values) => {
    const { importFile } = await import('../library/import-file.ts');
    const { unitsOf } = await import('../library/units.ts');
    const { refuseImports, workflowOfUnit } = await import('../library/to-workflow.ts');
    const { applyWritten } = await import('./apply.ts');
    const { file: name, session = null } = values;
    const file = await importFile(name, { cwd: context.cwd, onlyDescribes: true });
    const source = readFileSync(resolve(context.cwd, name), 'utf8');
    if (values.at === undefined) refuseImports(name, file.imports);
    const carriage: Carriage =
      values.at === undefined ? { kind: 'carried', source } : { kind: 'there', path: values.at };
    const hasOnError = file.table.onError.length > 0;
    const about = { module: file.module, session, carriage, hasOnError };
    const made = unitsOf(file).map((unit) => {
      const value = workflowOfUnit({ ...about, unit });
      return written(value, { file: name, line: lineOf(source, unit.name) });
    });
    const own = file.table.workflows.map((value) =>
      written(value, { file: name, line: lineOf(source, String(value.name)) }),
    );
    const places = [{ owner: `file:${basename(name)}`, workflows: [...made, ...own] }];
    return applyWritten(context, places, {
      isDryRun: values['dry-run'],
      prune: values.prune,
      takeOver: values['take-over'],
    });
  },
});

function written(
  value: unknown,
  { file, line }: { readonly file: string; readonly line: number },
): WrittenWorkflow {
  return { file, value, lineOf: () => line };
}

/** The first line that has a name in it; from 1. */
function lineOf(source: string, name: string): number {
  return (
    Math.max(
      0,
      source.split('\n').findIndex((line) => line.includes(name)),
    ) + 1
  );
}
