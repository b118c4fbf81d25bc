import { createWriteStream, existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConflictError, InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson } from './print.ts';

/** `keruta artifact get` */
export const artifactGet = command({
  name: 'artifact get',
  summary: 'Fetches a file that a task left.',
  positionals: {
    task: { doc: 'id, or at least 4 characters of its beginning' },
    artifact: { doc: 'path as artifact list shows it, name, or id' },
  },
  options: {
    output: {
      kind: 'path',
      short: 'o',
      placeholder: 'FILE',
      doc: 'where to put it, - for stdout (default: its name, here)',
    },
    force: { kind: 'bool', doc: 'replace a file that is there' },
  },
  examples: ['keruta artifact get 3f2a report.pdf', 'keruta artifact get 3f2a out/data.csv -o - | head'],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    const all = (await client.artifacts.list(id, { signal: context.signal })).toReversed();
    const wanted = values.artifact;
    const found =
      all.find((one) => one.path === wanted || one.id === wanted) ?? all.find((one) => one.name === wanted);
    if (!found) {
      const have = all.slice(0, 10).map((one) => one.path);
      throw new NotFoundError(
        'KERUTA_ERR_ARTIFACT_NOT_FOUND',
        `the task has no artifact "${wanted}"; it has ${have.length === 0 ? 'none' : have.join(', ')}`,
      );
    }
    const bytes = await client.artifacts.content(id, found.id, { signal: context.signal });
    if (values.output === '-') {
      for await (const chunk of bytes) await context.stdout.write(chunk);
      return 0;
    }
    const file = await save(bytes, placeOf(context.cwd, values.output, found.name), values.force === true);
    if (context.json) await printJson(context, { file, artifact: found });
    else await context.stdout.write(`${file}\n`);
    return 0;
  },
});

/** The name comes from the task: only its last part is taken, and never one that hides or climbs. */
function placeOf(cwd: string, output: string | undefined, name: string): string {
  const safe = basename(name.replaceAll('\\', '/'));
  if (output === undefined) {
    if (safe === '' || safe === '.' || safe === '..') {
      throw new InputError(
        'KERUTA_ERR_USAGE',
        `the artifact has the name "${name}"; say where to put it by --output`,
      );
    }
    return join(cwd, safe);
  }
  const path = resolve(cwd, output);
  return existsSync(path) && statSync(path).isDirectory() ? join(path, safe) : path;
}

async function save(bytes: AsyncIterable<Uint8Array>, path: string, replace: boolean): Promise<string> {
  const target = createWriteStream(path, { flags: replace ? 'w' : 'wx' });
  let isOpen = false;
  target.once('open', () => {
    isOpen = true;
  });
  try {
    await pipeline(Readable.from(bytes), target);
    return path;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') {
      throw new ConflictError('KERUTA_ERR_DIRECTORY', `${path} is there already; replace it by --force`, {
        cause,
      });
    }
    if (isOpen) await rm(path, { force: true });
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') {
      throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `${path} cannot be written: ${code}`, { cause });
    }
    throw cause;
  }
}
