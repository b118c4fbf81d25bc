import { lstatSync, rmSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { findTask } from '../people/find.ts';

/** `keruta artifact remove` */
export const artifactRemove = command({
  name: 'artifact remove',
  summary:
    'Removes an artifact: from the artifacts directory, and from the server where it is already there.',
  positionals: { file: { doc: 'path as artifact list shows it, or id' } },
  options: { 'task-id': fromSetting('taskId'), 'artifacts-dir': fromSetting('artifactsDir') },
  examples: ['keruta artifact remove report.pdf'],
  run: async (context, values) => {
    const { values: settings } = await context.settings();
    const removed: string[] = [];
    if (settings.artifactsDir !== null && removeLocal(settings.artifactsDir, values.file))
      removed.push('local');
    if (settings.taskId !== null) {
      const client = await context.makeClient();
      const { id } = await findTask(context, client, settings.taskId);
      const all = await client.artifacts.list(id, { signal: context.signal });
      for (const artifact of all.filter((one) => one.path === values.file || one.id === values.file)) {
        await client.artifacts.delete(id, artifact.id, { signal: context.signal });
        removed.push(artifact.id);
      }
    }
    if (removed.length === 0) {
      throw new NotFoundError(
        'KERUTA_ERR_ARTIFACT_NOT_FOUND',
        `${values.file}: expected an artifact, got none of this path or id; see: keruta artifact list`,
      );
    }
    await context.stdout.write(
      context.json ? `${JSON.stringify({ path: values.file, removed })}\n` : `${values.file}\n`,
    );
    return 0;
  },
});

/** Removes a regular file below the directory. @returns whether there was one */
function removeLocal(directory: string, path: string): boolean {
  const clean = normalize(path);
  if (clean.startsWith('..') || clean.startsWith(sep)) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `${path}: expected a path below the artifacts directory ${directory}`,
    );
  }
  try {
    const file = join(directory, clean);
    if (!lstatSync(file).isFile()) return false;
    rmSync(file);
    return true;
  } catch {
    return false;
  }
}
