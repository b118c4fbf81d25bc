import { chmodSync, constants, copyFileSync, existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { InputError, NotFoundError, UnavailableError } from '../../../internal/domain/errors.ts';
import { privateFault } from '../../../internal/worker/artifacts/own-places.ts';
import type { CommandContext } from '../command.ts';
import { command } from '../command.ts';
import { fromSetting } from '../options.ts';
import { placesOfCommand } from '../own-places.ts';
import { appendToMailbox, type RunPlace } from './in-run.ts';
import { placeOf } from './place.ts';

/** `keruta artifact add` */
export const artifactAdd = command({
  name: 'artifact add',
  summary: 'Keeps a file as an artifact of the task.',
  description:
    'Inside a run the file is copied at once and sent by the agent, so it may change or vanish afterwards. Outside it is sent now.',
  positionals: { file: { doc: 'a regular file; links are not followed' } },
  options: {
    description: { kind: 'string', doc: 'what it is (default: by its extension)' },
    name: {
      kind: 'string',
      doc: 'path under which it is kept (default: its path below the current directory, else its name)',
    },
    'task-id': fromSetting('taskId'),
  },
  examples: ['keruta artifact add ./output/report.pdf --description "monthly report"'],
  run: async (context, values) => {
    const loaded = await context.settings();
    const settings = loaded.values;
    const path = resolve(context.cwd, values.file);
    const size = checkFile(path, values.file, settings.maxFileSize);
    const name = values.name ?? nameOf(context.cwd, path);
    const place = await placeOf(context);
    const own = placesOfCommand(context, loaded, 'run' in place ? place.run : null);
    const fault = privateFault(realpathSync(path), own);
    if (fault !== null) throw refused(values.file, fault);
    if ('run' in place) {
      addInRun(context, place.run, { path, name, description: values.description ?? '' });
      await context.stdout.write(
        context.json ? `${JSON.stringify({ path: name, size, delivered: 'run' })}\n` : `${name}\n`,
      );
      return 0;
    }
    const { sendArtifact } = await import('./outside-more.ts');
    const { scanArtifacts } = await import('../../../internal/worker/artifacts/scan.ts');
    const scan = await scanArtifacts({
      directories: [dirname(path)],
      own,
      only: basename(path),
      previous: null,
      maxBytes: settings.maxFileSize,
      maxCount: 1,
      maxTotalBytes: Number.MAX_SAFE_INTEGER,
    });
    const [file] = scan.files;
    if (!file) throw refused(values.file, scan.skipped[0]?.reason ?? 'it cannot be read');
    const { taskId, mask } = place.outside;
    const client = await context.makeClient();
    // an upload may take long; whether there is an API and the task is known at once
    await client.tasks.get(taskId);
    const sent = await sendArtifact(context, client, {
      ...{ taskId, mask },
      file: { ...file, path: name },
      ...(values.description === undefined ? {} : { description: values.description }),
    });
    await context.stdout.write(context.json ? `${JSON.stringify(sent)}\n` : `${name}\n`);
    return 0;
  },
});

function refused(named: string, why: string): InputError {
  return new InputError('KERUTA_ERR_ARTIFACT_REFUSED', `${named} cannot be an artifact: ${why}`);
}

function checkFile(path: string, named: string, maxBytes: number): number {
  if (!existsSync(path)) {
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `${named}: expected a file, got nothing at ${path}`);
  }
  const stat = lstatSync(path);
  if (!stat.isFile()) {
    const kind = stat.isSymbolicLink() ? 'a link' : stat.isDirectory() ? 'a directory' : 'a special file';
    throw new InputError(
      'KERUTA_ERR_ARTIFACT_REFUSED',
      `${named}: expected a regular file, got ${kind}; copy it first`,
    );
  }
  if (stat.size > maxBytes) {
    throw new InputError(
      'KERUTA_ERR_ARTIFACT_TOO_LARGE',
      `${named}: expected at most ${maxBytes} bytes, got ${stat.size}; raise KERUTA_MAX_FILE_SIZE or make it smaller`,
    );
  }
  return stat.size;
}

/** The path below the current directory, so that two files of one name do not collide; else the name alone. */
function nameOf(cwd: string, path: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') || isAbsolute(below) ? basename(path) : below;
}

function addInRun(
  context: CommandContext,
  run: RunPlace,
  file: { readonly path: string; readonly name: string; readonly description: string },
): void {
  const copy = join(run.directory, 'added', context.random.uuid4(), basename(file.path).replace(/^\.+/, '_'));
  try {
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    copyFileSync(file.path, copy, constants.COPYFILE_FICLONE);
    chmodSync(copy, 0o600);
  } catch (cause) {
    const text = `${file.path}: expected to copy it into the run, got ${(cause as Error).message}; free some space and repeat`;
    throw new UnavailableError('KERUTA_ERR_DISK_FULL', text, { cause });
  }
  const words = ['artifact', 'add', copy, '--name', file.name];
  appendToMailbox(run, file.description === '' ? words : [...words, '--description', file.description]);
}
