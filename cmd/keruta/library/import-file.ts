/**
 * Runs a file of the user that says by the library what runs when. The file is loaded by Node itself, TypeScript by leaving its
 * types out, also in the built executable, which carries the library: a file that finds no installed `keruta` gets that.
 */
import { statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename, resolve } from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { pathToFileURL } from 'node:url';
// biome-ignore lint/style/noRestrictedImports: the only import() that finds files also from inside the executable
import { constants, Script } from 'node:vm';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { nameByExports, type Registry, registry, takeRegistry } from '../../../lib/src/registry.ts';

/** A file that was run. */
export interface ImportedFile {
  /** absolute */
  readonly path: string;
  /** its name without ending: the first part of `module.function` */
  readonly module: string;
  readonly exports: Readonly<Record<string, unknown>>;
  /** what it imports beside the library and what Node has; as it is written */
  readonly imports: readonly string[];
  /** what it told of its functions */
  readonly table: Registry;
}

/** Where the library of the executable is; not a place on the disk. */
const embedded = 'keruta-library:index.mjs';
let isHooked = false;
let count = 0;
/** what was asked for, and by which module: of the file that is being run */
const asked: { readonly specifier: string; readonly by: string }[] = [];

/**
 * Runs a file once more.
 * @param onlyDescribes  whether what it starts by itself must not begin
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 * @throws {InputError} KERUTA_ERR_LIBRARY_FILE: it cannot be run, with the reason and the line where it is known
 */
export async function importFile(
  name: string,
  { cwd, onlyDescribes }: { readonly cwd: string; readonly onlyDescribes: boolean },
): Promise<ImportedFile> {
  const path = requireFile(name, cwd);
  hookLibrary();
  takeRegistry();
  registry().onlyDescribes = onlyDescribes;
  const url = pathToFileURL(path);
  count += 1;
  asked.length = 0;
  url.searchParams.set('run', String(count));
  // the place in the file may lie under many frames of the library
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const loading = importUrl(url.href).finally(() => {
    Error.stackTraceLimit = usual;
  });
  const exports = await loading.catch((cause: unknown) => {
    throw new InputError('KERUTA_ERR_LIBRARY_FILE', `${name} cannot be run: ${reasonOf(cause, path)}`, {
      cause,
    });
  });
  const table = registry();
  nameByExports(table, exports);
  const imports = asked
    .filter(({ by, specifier }) => by === url.href && !/^(keruta$|node:)/.test(specifier))
    .map(({ specifier }) => specifier);
  return { path, imports, module: basename(path).replace(/\.[cm]?[jt]s$/, ''), exports, table };
}

/** @returns its absolute path @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND */
export function requireFile(name: string, cwd: string): string {
  const path = resolve(cwd, name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `There is no file ${name}.`);
}

/** `import()` of the process: that of a bundle that is run from text finds nothing. */
function importUrl(url: string): Promise<Record<string, unknown>> {
  const script = new Script('(url) => import(url)', {
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return (script.runInThisContext() as (url: string) => Promise<Record<string, unknown>>)(url);
}

/** An installed package comes first: its version is what the file was written for. */
function hookLibrary(): void {
  if (isHooked) return;
  isHooked = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      asked.push({ specifier, by: context.parentURL ?? '' });
      if (specifier !== 'keruta') return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        if (isSea()) return { url: embedded, format: 'module', shortCircuit: true };
        return next(new URL('../../../lib/src/index.ts', import.meta.url).href, context);
      }
    },
    load: (url, context, next) => {
      if (url !== embedded) return next(url, context);
      return { format: 'module', source: getAsset('library.mjs', 'utf8'), shortCircuit: true };
    },
  });
}

/** The message, and the place in the file when the stack has it. */
function reasonOf(cause: unknown, path: string): string {
  if (!(cause instanceof Error)) return String(cause);
  const at = cause.stack?.split('\n').find((line) => line.includes(path));
  const [, line] = /:(\d+)(?::\d+)?\)?$/.exec(at ?? '') ?? [];
  return line === undefined ? cause.message : `line ${line}: ${cause.message}`;
}
