import type { LoadedSettings } from '../../../internal/config/load-settings.ts';
import type { OwnPlaces } from '../../../internal/worker/artifacts/own-places.ts';
import type { CommandContext } from '../command.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { placesOfCommand } from '../own-places.ts';
import { findTask } from '../people/find.ts';
import { printJson, printTable } from '../people/print.ts';

/** A row of the list, whether the server has it or only this machine. */
interface Listed {
  readonly id: string | null;
  readonly path: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly contentType: string;
  readonly description: string;
  /** `sent`: on the server; `local`: in the artifacts directory, not sent yet */
  readonly state: 'sent' | 'local';
}

/** `keruta artifact list` */
export const artifactList = command({
  name: 'artifact list',
  summary: 'Lists the artifacts of a task: what the server has, and what waits in the artifacts directory.',
  positionals: {},
  options: { 'task-id': fromSetting('taskId'), 'artifacts-dir': fromSetting('artifactsDir') },
  examples: ['keruta artifact list', 'keruta artifact list --task-id 3f2a --json'],
  run: async (context) => {
    const settings = await context.settings();
    const { values } = settings;
    const sent = values.taskId === null ? [] : await listSent(context, values.taskId);
    const here = await listLocal(values, placesOfCommand(context, settings, null));
    const all = [
      ...sent,
      ...here.filter((local) => !sent.some((one) => one.path === local.path && one.size === local.size)),
    ];
    if (context.json) {
      await printJson(context, all);
      return 0;
    }
    const columns = [
      { title: 'PATH' },
      { title: 'SIZE', align: 'right' as const },
      { title: 'TYPE' },
      { title: 'STATE' },
      { title: 'ID' },
    ];
    const rows = all.map((one) => [one.path, String(one.size), one.contentType, one.state, one.id ?? '-']);
    await printTable(context, columns, rows, 'no artifacts');
    return 0;
  },
});

async function listSent(context: CommandContext, named: string): Promise<Listed[]> {
  const client = await context.makeClient();
  const { id } = await findTask(context, client, named);
  const artifacts = await client.artifacts.list(id, { signal: context.signal });
  return artifacts.map((one) => ({ ...one, state: 'sent' as const }));
}

async function listLocal(
  { artifactsDir, maxFileSize: maxBytes }: Pick<LoadedSettings['values'], 'artifactsDir' | 'maxFileSize'>,
  own: OwnPlaces,
): Promise<Listed[]> {
  if (artifactsDir === null) return [];
  const { scanArtifacts } = await import('../../../internal/worker/artifacts/scan.ts');
  const { defaultDescription } = await import('../../../internal/worker/artifacts/describe.ts');
  const limits = { maxBytes, maxCount: 10_000, maxTotalBytes: Number.MAX_SAFE_INTEGER };
  const { files } = await scanArtifacts({ directories: [artifactsDir], own, previous: null, ...limits });
  return files.map((file) => ({
    id: null,
    path: file.path,
    size: file.size,
    sha256: null,
    contentType: file.contentType,
    description: defaultDescription(file.path),
    state: 'local' as const,
  }));
}
