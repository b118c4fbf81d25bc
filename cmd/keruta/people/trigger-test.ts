import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { WebhookTestedWire } from '../../../internal/api/workflow-shapes.ts';
import { InputError, NotFoundError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { printFields, printJson } from './print.ts';

/** `keruta trigger test` */
export const triggerTest = command({
  name: 'trigger test',
  summary: 'Tries out a webhook: a signed delivery goes the whole way, and nothing stays of it.',
  description:
    'The server signs the delivery with its own secret, as the sender would, and takes it as it takes any other: signature, ' +
    'filter, parameters, policies. It tells what would be fired; with --run it is. How the sender reaches the server is not tried.',
  positionals: {
    workflow: { doc: 'name or id' },
    trigger: { doc: 'one of its webhooks; not needed when it has one only', optional: true },
  },
  options: {
    body: {
      kind: 'string',
      doc: 'file with the body; - is stdin (default: a small sample)',
      placeholder: 'FILE',
    },
    header: {
      kind: 'list',
      doc: 'a header of the delivery, over those of the sample; may be given more than once',
      placeholder: 'NAME:VALUE',
    },
    query: {
      kind: 'list',
      doc: 'a parameter of its address; may be given more than once',
      placeholder: 'NAME=VALUE',
    },
    run: { kind: 'bool', doc: 'runs what is fired', default: false },
  },
  examples: [
    'keruta trigger test deploy',
    "keruta trigger test deploy --body push.json --header 'X-GitHub-Event: push'",
    'keruta trigger test deploy --run',
  ],
  exits: { 1: 'nothing would run, or runs' },
  run: async (context, values) => {
    const { workflow, trigger, run } = values;
    const headers = pairs(values.header ?? [], { separator: ':', option: '--header' });
    const query = pairs(values.query ?? [], { separator: '=', option: '--query' });
    const body = values.body === undefined ? undefined : await readBody(context, values.body);
    const client = await context.makeClient();
    const test = { trigger, body, headers, query, run };
    const tested = await client.triggers.test(workflow, test, { signal: context.signal });
    if (context.json) await printJson(context, tested);
    else await printFields(context, fieldsOf(tested, run));
    return tested.triggers.some(({ status }) => status === 'accepted') ? 0 : 1;
  },
});

/** What came of it, field by field. @param isRun  whether it happened */
export function fieldsOf(tested: WebhookTestedWire, isRun: boolean): (readonly [string, string | null])[] {
  const { method, address, kind, parameters, status, message, code, answer, triggers } = tested;
  return [
    ['delivery', `${method} /webhook/${address}`],
    ['event', kind],
    ...Object.entries(parameters).map(([name, value]): [string, string] => [
      `parameter ${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    ['signature', code === 'KERUTA_ERR_UNAUTHENTICATED' ? 'refused' : 'taken'],
    ['refused', status === 'refused' ? `${message} (${code})` : null],
    ['answered', status === 'greeting' ? JSON.stringify(answer) : null],
    ...triggers.map((one): [string, string] => [`${one.workflow}/${one.trigger}`, became(one, isRun)]),
  ];
}

function became({ status, reason, taskId }: WebhookTestedWire['triggers'][number], isRun: boolean): string {
  if (status === 'accepted') return taskId === null ? 'would run' : `runs: task ${taskId}`;
  if (status === 'duplicate') return 'is a repetition of one that came before';
  return `${isRun ? 'is' : 'would be'} skipped: ${reason}`;
}

function pairs(
  texts: readonly string[],
  { separator, option }: { readonly separator: ':' | '='; readonly option: string },
): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator);
      if (at < 1)
        throw new InputError(
          'KERUTA_ERR_BAD_VALUE',
          `${option}: expected NAME${separator}VALUE, got ${JSON.stringify(text)}`,
        );
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}

async function readBody({ stdin, cwd }: CommandContext, file: string): Promise<string> {
  if (file === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stdin) chunks.push(chunk);
    return textOf(Buffer.concat(chunks), file);
  }
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(cwd, file));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `--body: ${file} cannot be read (${why})`, {
      cause,
    });
  }
  return textOf(bytes, file);
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(
      'KERUTA_ERR_BAD_VALUE',
      `--body: ${file} is not UTF-8; a test has a text as its body`,
      {
        cause,
      },
    );
  }
}
