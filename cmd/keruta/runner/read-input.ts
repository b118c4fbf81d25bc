import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { maxFileBytes, type RunnerFile, readRunnerFile } from '../../../internal/runner/runner-file.ts';
import type { CommandContext } from '../command.ts';

/**
 * Reads a file that a runner is given, YAML or JSON.
 * @param named  relative to where one stands, or `-` for stdin
 * @throws {InputError} with this code; {NotFoundError} KERUTA_ERR_FILE_NOT_FOUND
 */
export async function readRunnerInput(
  context: CommandContext,
  named: string,
  code: 'KERUTA_ERR_CONFIG' | 'KERUTA_ERR_TASK_CONTEXT',
): Promise<RunnerFile> {
  if (named === '-') return readRunnerFile(await readStdin(context), { file: 'stdin', code });
  const path = resolve(context.cwd, named);
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes)
      throw new InputError(code, `${named}: expected at most ${maxFileBytes} bytes, got ${size}`);
    return readRunnerFile(readFileSync(path, 'utf8'), { file: named, code });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new NotFoundError(
      'KERUTA_ERR_FILE_NOT_FOUND',
      `${named}: expected a file to read, got none (${why})`,
      { cause },
    );
  }
}

async function readStdin({ stdin }: CommandContext): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stdin) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxFileBytes) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
