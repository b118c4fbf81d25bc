import { statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UnavailableError } from '../../../internal/domain/errors.ts';
import type { StreamName } from '../../../internal/domain/task.ts';
import { leaveSecret } from '../../../internal/worker/late-secrets.ts';
import { type CommandContext, command } from '../command.ts';
import { appendToMailbox, findRun, type RunPlace } from './in-run.ts';

/** Longest value; bytes. All its forms are held in memory, about a hundred times as much. */
const maxValueBytes = 16 * 1024;

/** `keruta redact add` */
export const redactAdd = command({
  name: 'redact add',
  summary: 'Masks a secret, read from stdin, in everything that the run says from now on.',
  description:
    'For what a script gets to know while it runs, such as a token that it fetched. It counts for output that is written and for requests that are made after the command has returned; what is out already stays as it is. One line end at the end does not count. The value is in no argument and no variable.',
  positionals: {},
  options: { name: { kind: 'string', doc: 'what the agent calls it in its log; not secret itself' } },
  examples: [
    'vault read -field=token secret/deploy | keruta redact add --name deploy-token',
    'keruta redact add < ./id_ed25519',
  ],
  run: async (context, values) => {
    const run = findRun(context.env);
    if (run === null) {
      throw new InputError(
        'KERUTA_ERR_USAGE',
        'redact add: expected to be called by a script that an agent runs, got no run; outside one nothing is masked',
      );
    }
    const value = await readValue(context);
    tellAgent(context, run, { value, name: values.name ?? '' });
    if (context.json) await context.stdout.write(`${JSON.stringify({ taskId: run.taskId, masked: true })}\n`);
    return 0;
  },
});

/** @throws {InputError} KERUTA_ERR_BAD_VALUE for a value that cannot be masked */
async function readValue(context: CommandContext): Promise<string> {
  const { minSecretBytes } = await import('../../../pkg/redact/forms.ts');
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of context.stdin) {
    length += chunk.length;
    if (length > maxValueBytes + 2) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const value = bytes.toString('utf8').replace(/\r?\n$/, '');
  const size = Buffer.byteLength(value);
  const expected = `value: expected ${minSecretBytes} to ${maxValueBytes} bytes of text on stdin, got`;
  if (length > maxValueBytes + 2 || size > maxValueBytes) throw badValue(`${expected} more`);
  if (size < minSecretBytes) throw badValue(`${expected} ${size}; so short a value is not masked`);
  if (!bytes.equals(Buffer.from(bytes.toString('utf8'))))
    throw badValue(`${expected} bytes that are no UTF-8`);
  return value;
}

function badValue(message: string): InputError {
  return new InputError('KERUTA_ERR_BAD_VALUE', message);
}

/** The value first, then the record that names it: the agent never reads of a value that is not there. */
function tellAgent(
  context: CommandContext,
  run: RunPlace,
  secret: { readonly value: string; readonly name: string },
): void {
  const id = context.random.uuid4();
  const size = (stream: StreamName) =>
    String(statSync(join(run.directory, stream), { throwIfNoEntry: false })?.size ?? 0);
  const words = ['redact', 'add', id, '--stdout', size('stdout'), '--stderr', size('stderr')];
  try {
    leaveSecret(run.directory, id, secret.value);
  } catch (cause) {
    const text = `secret: expected to leave it in the run, got ${(cause as Error).message}; it is not masked; free some space and repeat`;
    throw new UnavailableError('KERUTA_ERR_DISK_FULL', text, { cause });
  }
  appendToMailbox(run, secret.name === '' ? words : [...words, '--name', secret.name]);
}
