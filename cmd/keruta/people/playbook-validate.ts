import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, KerutaError } from '../../../internal/domain/errors.ts';
import type { PlaybookFault } from '../../../internal/playbook/playbook.ts';
import { command } from '../command.ts';
import { printJson } from './print.ts';

/** `keruta playbook validate` */
export const playbookValidate = command({
  name: 'playbook validate',
  summary: 'Checks playbooks and what they include; names every fault with line and field.',
  positionals: {
    playbook: {
      doc: 'names, files or directories (default: all of keruta playbook list)',
      variadic: true,
      optional: true,
    },
  },
  options: {},
  examples: [
    'keruta playbook validate',
    'keruta playbook validate ./ci.yaml',
    'keruta playbook validate ci --json',
  ],
  exits: { 2: 'there are faults' },
  run: async (context, values) => {
    const { filePlaybook, listPlaybooks, readPlaybook, shownFile } = await import('./playbook-files.ts');
    const { isPlaybook } = await import('../../../internal/playbook/find-playbooks.ts');
    const { faultText } = await import('../../../internal/playbook/faults.ts');
    const named = values.playbook ?? [];
    const files: string[] = [];
    for (const name of named) {
      const isFolder =
        statSync(resolve(context.cwd, name), { throwIfNoEntry: false })?.isDirectory() === true;
      if (!isFolder) files.push(await filePlaybook(context, name));
      else {
        const names = await readdir(resolve(context.cwd, name));
        files.push(
          ...names
            .filter(isPlaybook)
            .toSorted()
            .map((one) => join(name, one)),
        );
      }
    }
    if (named.length === 0)
      files.push(...(await listPlaybooks(context)).map(({ file }) => shownFile(context, file)));
    const faults = new Map<string, PlaybookFault>();
    for (const file of files) {
      try {
        await readPlaybook(context, file);
      } catch (error) {
        if (!(error instanceof KerutaError)) throw error;
        const told = (error.details.faults as readonly PlaybookFault[] | undefined) ?? [
          { file, line: 1, field: '', message: error.message },
        ];
        // what several include is wrong once
        for (const fault of told) faults.set(faultText(fault), fault);
      }
    }
    if (context.json) await printJson(context, { playbooks: files.length, faults: [...faults.values()] });
    else if (faults.size > 0) throw new InputError('KERUTA_ERR_PLAYBOOK', [...faults.keys()].join('\n'));
    else
      await context.stdout.write(
        `${files.length} ${files.length === 1 ? 'playbook' : 'playbooks'}, no faults\n`,
      );
    return faults.size > 0 ? 2 : 0;
  },
});
