import { command } from '../command.ts';
import { ago, printJson, printTable } from './print.ts';

/** `keruta workflow history` */
export const workflowHistory = command({
  name: 'workflow history',
  summary: 'Lists the versions of a workflow, newest first, and what changed in each.',
  positionals: { workflow: { doc: 'name or id' } },
  options: {},
  examples: ['keruta workflow history nightly'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const versions = await client.workflows.versions(values.workflow, { signal: context.signal });
    if (context.json) {
      await printJson(context, versions);
      return 0;
    }
    const { diffOf } = await import('./definition-diff.ts');
    const rows = versions.map((one, index) => {
      const before = versions[index + 1];
      const changes = before === undefined ? [] : diffOf(before.definition, one.definition);
      const what = before === undefined ? 'made' : topmost(changes.map(({ path }) => path)).join(', ');
      return [String(one.version), ago(context, one.at), one.actor, what];
    });
    const columns = [
      { title: 'VERSION', align: 'right' as const },
      { title: 'AGE', align: 'right' as const },
      { title: 'BY' },
      { title: 'CHANGED', shrinks: true },
    ];
    await printTable(context, columns, rows, 'no versions');
    return 0;
  },
});

/** Of a part that came or went as a whole, its name alone. */
function topmost(paths: readonly string[]): readonly string[] {
  const isWithin = (path: string, part: string) => path.startsWith(`${part}.`) || path.startsWith(`${part}[`);
  return paths.filter((path) => !paths.some((part) => isWithin(path, part)));
}
