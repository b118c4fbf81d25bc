/** Functions that files start. */
import { InputError } from '../../internal/domain/errors.ts';
import { type CompleteHandler, registry } from './registry.ts';
import { addTrigger, type ScheduleOptions } from './schedule.ts';
import type { FileFunction } from './types.ts';
import { Watcher } from './watcher.ts';

/** Which files count, and what of them. */
export interface WatchOptions extends Pick<ScheduleOptions, 'name' | 'retry' | 'enabled'> {
  /**
   * Which files below the directory: `*`, `**`, `?` and `{a,b}`. Without a slash it counts at any depth (`*.pdf`), with one
   * at its beginning at the top only (`/*.pdf`). Default: all files.
   */
  readonly pattern?: string | readonly string[];
  /** files and directories that are left out, beside `.git`, `node_modules`, `.keruta` and `dist` */
  readonly ignore?: string | readonly string[];
  /** default `create`, `modify` and `rename` */
  readonly events?: readonly FileEvent[];
  /** how long size and time of a file must stand still before it is taken; seconds, default 2 */
  readonly settleSeconds?: number;
  /** whether files that are there at the start count; default false */
  readonly existing?: boolean;
}

/** What can happen to a file. */
export type FileEvent = 'create' | 'modify' | 'delete' | 'rename';

function directory<F extends FileFunction>(path: string, fn: F): F;
function directory<F extends FileFunction>(path: string, options: WatchOptions, fn: F): F;
function directory<F extends FileFunction>(path: string, ...rest: [F] | [WatchOptions, F]): F {
  const [options, fn] = rest.length === 2 ? rest : [{}, rest[0]];
  if (path === '')
    throw new InputError('KERUTA_ERR_BAD_VALUE', 'watch.directory: expected a directory, got nothing');
  const { name, retry, enabled, pattern, ignore, events, settleSeconds, existing } = options;
  const written = {
    type: 'file',
    path,
    ...(pattern === undefined ? {} : { patterns: [pattern].flat() }),
    ...(ignore === undefined ? {} : { ignore: [ignore].flat() }),
    ...(events === undefined ? {} : { events: [...events] }),
    ...(settleSeconds === undefined ? {} : { settle: `${settleSeconds}s` }),
    ...(existing === true ? { onStart: 'run' } : {}),
  };
  return addTrigger(fn, written, {
    ...(name === undefined ? {} : { name }),
    ...(retry === undefined ? {} : { retry }),
    ...(enabled === undefined ? {} : { enabled }),
  });
}

/** Functions that files start. */
export const watch: {
  /**
   * Runs a function with the path of each file below a directory that comes or changes; `~` is the home directory. What it
   * does to that file does not fire it again. A file that is deployed needs a path that is absolute, or begins with `~/`.
   * @returns the function itself
   */
  readonly directory: {
    <F extends FileFunction>(path: string, fn: F): F;
    <F extends FileFunction>(path: string, options: WatchOptions, fn: F): F;
  };
  /**
   * Told after a function that a file started has ended well; `(result, filePath, context)`. For all functions of the
   * file. It is part of the run: when it fails, the run has failed.
   */
  readonly onComplete: (handler: CompleteHandler) => CompleteHandler;
  /** @see Watcher */
  readonly Watcher: typeof Watcher;
} = {
  directory,
  onComplete: (handler) => {
    registry().onComplete.push(handler);
    return handler;
  },
  Watcher,
};
