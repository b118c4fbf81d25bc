/** What the speaking commands do outside a run beyond one request: questions and files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { ArtifactWire } from '../../../internal/api/shapes.ts';
import { ConflictError, InputError } from '../../../internal/domain/errors.ts';
import { defaultInputTimeoutMs } from '../../../internal/domain/task.ts';
import { defaultDescription } from '../../../internal/worker/artifacts/describe.ts';
import { openArtifact } from '../../../internal/worker/artifacts/open.ts';
import { type ArtifactFile, scanArtifacts } from '../../../internal/worker/artifacts/scan.ts';
import type { CommandContext } from '../command.ts';
import { placesOfCommand } from '../own-places.ts';
import type { Spoken } from './grammar.ts';
import type { OutsidePlace } from './outside.ts';
import { parseSeconds } from './seconds.ts';

/** Limits of what one command sends; the agent has its own. */
const maxCount = 10_000;
const maxTotalBytes = 1024 ** 3;
/** How often the API is asked for an answer; ms. */
const askEveryMs = 1_000;

/**
 * Puts a question in the plain protocol and waits.
 * @throws {ConflictError} KERUTA_ERR_ASK_TIMEOUT when nobody answers and there is no default
 */
export async function askOutside(
  context: CommandContext,
  client: ApiClient,
  ask: Pick<OutsidePlace, 'taskId' | 'mask'> & { readonly spoken: Spoken },
): Promise<number> {
  const { values, positionals } = ask.spoken;
  const question = positionals[0] ?? '';
  const choices = (values.choices ?? '')
    .split(',')
    .map((choice) => choice.trim())
    .filter((choice) => choice !== '');
  if (values.default !== undefined && choices.length > 0 && !choices.includes(values.default)) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `default: expected one of ${choices.join(', ')}, got "${values.default}"`,
    );
  }
  const timeoutMs =
    values.timeout === undefined ? defaultInputTimeoutMs : parseSeconds('timeout', values.timeout) * 1000;
  const deadline = context.clock.monotonicMs() + timeoutMs;
  const prompt = ask.mask(choices.length > 0 ? `${question} [${choices.join('/')}]` : question);
  await client.tasks.requestInput(ask.taskId, prompt, { signal: context.signal });
  for (;;) {
    const answer = await client.tasks.pollInput(ask.taskId, { signal: context.signal });
    const text = answer?.replace(/\n$/, '');
    if (text !== undefined && (choices.length === 0 || choices.includes(text))) return print(context, text);
    if (text !== undefined) {
      context.log.warn(`"${text}" is none of ${choices.join(', ')}; the question is put again`);
      await client.tasks.requestInput(ask.taskId, prompt, { signal: context.signal });
    }
    const left = deadline - context.clock.monotonicMs();
    if (left <= 0) break;
    await context.clock.sleep(Math.min(askEveryMs, left), context.signal);
  }
  if (values.default !== undefined) return print(context, values.default);
  throw new ConflictError(
    'KERUTA_ERR_ASK_TIMEOUT',
    `nobody answered "${question}" within ${Math.round(timeoutMs / 1000)} s, and there is no --default`,
  );
}

async function print(context: CommandContext, answer: string): Promise<number> {
  await context.stdout.write(context.json ? `${JSON.stringify({ answer })}\n` : `${answer}\n`);
  return 0;
}

/** Sends every file of a directory; what is left out is told with its reason. */
export async function sendArtifacts(
  context: CommandContext,
  client: ApiClient,
  from: Pick<OutsidePlace, 'taskId' | 'mask'> & { readonly directory: string },
): Promise<ArtifactWire[]> {
  const settings = await context.settings();
  const { values } = settings;
  const scan = await scanArtifacts({
    directories: [from.directory],
    own: placesOfCommand(context, settings, null),
    previous: null,
    maxBytes: values.maxFileSize,
    maxCount,
    maxTotalBytes,
  });
  for (const { path, reason } of scan.skipped) context.log.warn(`${path} is not sent: ${reason}`);
  const sent: ArtifactWire[] = [];
  // an upload may take long; whether there is an API and the task is known at once
  if (scan.files.length > 0) await client.tasks.get(from.taskId);
  for (const file of scan.files) {
    const artifact = await sendArtifact(context, client, { ...from, file });
    if (artifact) sent.push(artifact);
  }
  return sent;
}

/** Sends one file. @returns what the server made of it; null when it does not say */
export async function sendArtifact(
  context: CommandContext,
  client: ApiClient,
  what: Pick<OutsidePlace, 'taskId' | 'mask'> & {
    readonly file: ArtifactFile;
    readonly description?: string;
  },
): Promise<ArtifactWire | null> {
  const { values } = await context.settings();
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'keruta-'));
  try {
    const opened = await openArtifact({ file: what.file, scratchDirectory, maxBytes: values.maxFileSize });
    try {
      const source = {
        path: what.mask(what.file.path),
        size: opened.size,
        sha256: opened.sha256,
        contentType: what.file.contentType,
        description: what.mask(what.description ?? defaultDescription(what.file.path)),
        unstable: opened.unstable,
        open: (offset: number) => opened.stream(offset),
      };
      return await client.artifacts.upload(what.taskId, source, { signal: context.signal });
    } finally {
      await opened.close();
    }
  } finally {
    rmSync(scratchDirectory, { recursive: true, force: true });
  }
}
