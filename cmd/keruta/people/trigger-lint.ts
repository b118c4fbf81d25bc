import { InputError, KerutaError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta trigger lint` */
export const triggerLint = command({
  name: 'trigger lint',
  summary: 'Checks workflow files without a server; names every fault with line and field.',
  positionals: { file: { doc: 'a file or a directory', variadic: true, optional: true } },
  options: {},
  examples: [
    'keruta trigger lint',
    'keruta trigger lint nightly.yaml',
    'keruta trigger lint workflows/ --json',
  ],
  exits: { 2: 'there are faults' },
  run: async (context, values) => {
    const { defaultPlace, readWorkflowFiles } = await import('./workflow-files.ts');
    const { doublesOf } = await import('./apply.ts');
    const { faultsOf } = await import('./faults-of.ts');
    const { readWorkflow } = await import('../../../internal/trigger/read-workflow.ts');
    const places = values.file === undefined || values.file.length === 0 ? [defaultPlace] : values.file;
    const faults: string[] = [];
    const warnings: string[] = [];
    const read = places.flatMap((place) => {
      try {
        return readWorkflowFiles(place, context.cwd, context.env);
      } catch (error) {
        if (!(error instanceof KerutaError) || error.code !== 'KERUTA_ERR_WORKFLOW') throw error;
        faults.push(error.message);
        return [];
      }
    });
    for (const one of read) {
      if (one.faults !== undefined) {
        faults.push(...one.faults);
        continue;
      }
      try {
        // what an agent of an automation file runs, only a server knows
        const value = one.agent === undefined ? one.value : { run: 'true', ...(one.value as object) };
        const checked = readWorkflow(value, { zone: 'UTC' });
        warnings.push(
          ...checked.warnings.map(({ path, message }) => `${one.file}:${one.lineOf(path)}: ${message}`),
        );
      } catch (error) {
        if (!(error instanceof KerutaError)) throw error;
        faults.push(...faultsOf(one, error));
      }
    }
    faults.push(...doublesOf(read));
    if (context.json) await printJson(context, { workflows: read.length, faults, warnings });
    else await context.stderr.write(warnings.map((line) => `warning: ${line}\n`).join(''));
    if (faults.length > 0) {
      if (context.json) return 2;
      throw new InputError('KERUTA_ERR_WORKFLOW', faults.join('\n'));
    }
    if (!context.json)
      await context.stdout.write(
        `${read.length} ${read.length === 1 ? 'workflow' : 'workflows'}, no faults\n`,
      );
    return 0;
  },
});
