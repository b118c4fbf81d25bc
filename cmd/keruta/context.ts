/** Makes what a command works with, out of the process and the command line. */
import { resolve } from 'node:path';
import { type LoadedSettings, loadSettings } from '../../internal/config/load-settings.ts';
import { parseLogLevel } from '../../internal/domain/log-level.ts';
import type { LineLevel } from '../../pkg/log/log-line.ts';
import { makeStreamLog } from '../../pkg/log/stream-log.ts';
import type { AnyCommand, CommandContext } from './command.ts';
import { readConfigFiles, readEnvFile } from './config-files.ts';
import type { ReadLine } from './read-line.ts';

/** The process, handed in as values: what a context is made from. */
export type ProcessParts = Omit<CommandContext, 'words' | 'json' | 'log' | 'settings' | 'makeClient'> & {
  /** From now on SIGINT and SIGTERM abort `signal` or are told to listeners; before, they end the process. Once. */
  readonly takeSignals: () => void;
};

/**
 * Makes the context of one command line. Nothing is read until it is asked for, but for `--env-file`.
 * @throws {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND: the environment file
 */
export function makeContext(
  parts: ProcessParts,
  command: AnyCommand,
  { line, words }: { readonly line: ReadLine; readonly words: readonly string[] },
): CommandContext {
  const envFile = text(line.values['env-file']);
  const env =
    envFile === null
      ? parts.env
      : { ...readEnvFile(resolve(parts.cwd, envFile)), ...withoutEmpty(parts.env) };
  const isServer = ['server', 'up', 'db migrate'].includes(command.name);
  const log = makeStreamLog({
    clock: parts.clock,
    write: (text) => void parts.stderr.write(text),
    level: levelOf(line, env),
    format: 'text',
  });
  let loaded: LoadedSettings | null = null;
  const context: CommandContext = {
    ...parts,
    env,
    words,
    json: line.values.json === true,
    log,
    settings: async () => {
      if (loaded) return loaded;
      // a command may mean another file by it
      const given = 'config' in command.options ? null : text(line.values.config);
      const named = given ?? (env.KERUTA_CONFIG || null);
      const files = readConfigFiles({ named, home: parts.home, cwd: parts.cwd });
      const { home, uid, cwd } = parts;
      loaded = loadSettings({ flags: line.flags, env, files, home, uid, cwd, isServer });
      if (line.values.verbose === true) {
        loaded = { ...loaded, values: { ...loaded.values, logLevel: 'DEBUG' } };
      }
      for (const warning of loaded.warnings) log.warn(warning);
      return loaded;
    },
    makeClient: async () => (await import('./client.ts')).makeCommandClient(context),
  };
  return context;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function withoutEmpty(env: CommandContext['env']): CommandContext['env'] {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

/** Level of the short-lived log. Only what is at hand: no file is read for it. */
function levelOf(line: ReadLine, env: CommandContext['env']): LineLevel {
  if (line.values.verbose === true) return 'debug';
  const named = text(line.values['log-level']) ?? env.KERUTA_LOG_LEVEL ?? '';
  const level = parseLogLevel(named);
  return level === null ? 'info' : lineLevelOf(level);
}

/** The level of the program's own log for a level of the settings. */
export function lineLevelOf(level: string): LineLevel {
  const levels: Readonly<Record<string, LineLevel>> = { DEBUG: 'debug', INFO: 'info', WARN: 'warn' };
  return levels[level] ?? 'error';
}
