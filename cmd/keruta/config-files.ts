/** Finds and reads the configuration files, and the file of `--env-file`. */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type ConfigFile, maxConfigBytes } from '../../internal/config/config-file.ts';
import { InputError, NotFoundError } from '../../internal/domain/errors.ts';

/** Where configuration may come from. */
export interface ConfigPlaces {
  /** the file of `--config` or KERUTA_CONFIG, in place of the usual ones; null = the usual ones */
  readonly named: string | null;
  /** `''` when there is none */
  readonly home: string;
  readonly cwd: string;
}

/** The files that are read, the strongest first, whether they exist or not. The working directory is never looked at. */
export function configPaths(places: ConfigPlaces): string[] {
  if (places.named !== null) return [resolve(places.cwd, places.named)];
  const own = places.home === '' ? [] : [join(places.home, '.keruta', 'config.yaml')];
  return [...own, '/etc/keruta/config.yaml'];
}

/**
 * Reads the configuration files that exist, the strongest first.
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND when a file that was named does not exist
 * @throws {InputError} KERUTA_ERR_CONFIG when one is no regular file, too large or not readable
 */
export function readConfigFiles(places: ConfigPlaces): ConfigFile[] {
  return configPaths(places).flatMap((path) => {
    const text = readSmallFile(path, 'configuration file');
    if (text !== null) return [{ path, text }];
    if (places.named === null) return [];
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `there is no configuration file ${path}`);
  });
}

/**
 * Reads a file of `NAME=value` lines.
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND; {InputError} KERUTA_ERR_CONFIG
 */
export function readEnvFile(path: string): Readonly<Record<string, string | undefined>> {
  const text = readSmallFile(path, 'environment file');
  if (text === null)
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `there is no environment file ${path}`);
  return parseEnv(text);
}

/** Reads a file of at most 1 MiB; null when there is none. */
function readSmallFile(path: string, what: string): string | null {
  try {
    const found = statSync(path);
    if (!found.isFile())
      throw new InputError('KERUTA_ERR_CONFIG', `the ${what} ${path} is not a regular file`);
    if (found.size > maxConfigBytes) {
      throw new InputError(
        'KERUTA_ERR_CONFIG',
        `the ${what} ${path} has ${found.size} bytes; at most 1 MiB is read`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      'KERUTA_ERR_CONFIG',
      `the ${what} ${path} cannot be read: ${code ?? String(cause)}`,
      { cause },
    );
  }
}
