import { InputError } from '../../../internal/domain/errors.ts';
import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson, shortId } from './print.ts';

/** `keruta task input` */
export const taskInput = command({
  name: 'task input',
  summary: 'Answers the question of a task, or gives a line to its stdin.',
  positionals: {
    task: { doc: 'id, or at least 4 characters of its beginning' },
    answer: { doc: 'the answer; - reads it from stdin', optional: true },
  },
  options: {
    question: {
      kind: 'string',
      placeholder: 'ID',
      doc: 'which question is answered (default: the open one)',
    },
  },
  examples: ['keruta task input 3f2a yes', 'keruta task input 3f2a - < answer.txt'],
  run: async (context, values) => {
    const answer = values.answer === '-' ? await readAll(context.stdin) : values.answer;
    if (answer === undefined)
      throw new InputError('KERUTA_ERR_USAGE', 'expected an answer, or - to read it from stdin');
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    const question = values.question === undefined ? {} : { promptId: values.question };
    await client.tasks.input(id, { input: answer, ...question }, { signal: context.signal });
    if (context.json) await printJson(context, { id, answered: true });
    else await context.stdout.write(`task ${shortId(id)} got the answer\n`);
    return 0;
  },
});

async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
