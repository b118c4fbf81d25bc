import { KerutaError } from '../../../internal/domain/errors.ts';
import { visible } from '../../../pkg/terminal/text.ts';
import { command } from '../command.ts';
import { printJson, printTable } from './print.ts';

/** `keruta playbook list` */
export const playbookList = command({
  name: 'playbook list',
  summary: 'Lists the playbooks of the repository and your own.',
  description:
    'They are the files *.yaml, *.yml and *.json of .keruta/playbooks in the repository, and of ~/.keruta/playbooks. One of the ' +
    'repository hides your own of the same name. What has faults is listed too; keruta playbook validate names them.',
  positionals: {},
  options: {},
  examples: ['keruta playbook list', 'keruta playbook list --json'],
  run: async (context) => {
    const { listPlaybooks, readPlaybook } = await import('./playbook-files.ts');
    const rows: {
      readonly id: string;
      readonly name: string | null;
      readonly description: string;
      /** null: it has faults */
      readonly steps: number | null;
      readonly source: string;
      readonly file: string;
    }[] = [];
    for (const found of await listPlaybooks(context)) {
      try {
        const { playbook, steps } = await readPlaybook(context, found.file);
        rows.push({ ...found, name: playbook.name, description: playbook.description, steps: steps.length });
      } catch (error) {
        if (!(error instanceof KerutaError)) throw error;
        rows.push({ ...found, name: null, description: '', steps: null });
        await context.stderr.write(`${visible(found.file)}: has faults; see keruta playbook validate\n`);
      }
    }
    if (context.json) {
      await printJson(context, rows);
      return 0;
    }
    await printTable(
      context,
      [
        { title: 'PLAYBOOK' },
        { title: 'STEPS' },
        { title: 'FROM' },
        { title: 'NAME', shrinks: true },
        { title: 'DESCRIPTION', shrinks: true },
      ],
      rows.map((row) => [
        row.id,
        row.steps === null ? 'faults' : String(row.steps),
        row.source,
        row.name ?? '-',
        row.description,
      ]),
      'no playbooks; put one into .keruta/playbooks of the repository, or into ~/.keruta/playbooks',
    );
    return 0;
  },
});
