import { command } from '../command.ts';
import { findTask } from './find.ts';
import { printJson } from './print.ts';

/** `keruta task logs` */
export const taskLogs = command({
  name: 'task logs',
  summary: 'Prints what a task has printed: stdout to stdout, stderr to stderr.',
  description:
    'Without --follow the bytes come as they were written; both streams go to stdout, in the order in which they arrived. ' +
    'On a terminal only their colours work: whatever else would steer it is shown as text. ' +
    'Of a stream that is longer than the server shows (64 MiB, its setting server.max_log_view) a terminal gets head and tail, with a mark ' +
    'between them; --all gives everything, and so does stdout that is no terminal. ' +
    'With --follow new output is shown as it comes, until the task has ended.',
  positionals: { task: { doc: 'id, or at least 4 characters of its beginning' } },
  options: {
    follow: { kind: 'bool', short: 'f', doc: 'go on until the task has ended' },
    stream: { kind: 'enum', choices: ['stdout', 'stderr'], doc: 'only this one' },
    all: { kind: 'bool', doc: 'all of it, however long, also on a terminal' },
    structured: { kind: 'bool', doc: 'the lines of keruta log instead of the output' },
    level: {
      kind: 'enum',
      choices: ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'],
      doc: 'with --structured: only this level',
    },
  },
  examples: [
    'keruta task logs 3f2a',
    'keruta task logs -f 3f2a',
    'keruta task logs 3f2a --stream stdout > all.txt',
    'keruta task logs 3f2a --structured --level ERROR',
  ],
  run: async (context, values) => {
    const client = await context.makeClient();
    const { id } = await findTask(context, client, values.task);
    const options = { signal: context.signal };
    if (values.structured || (context.json && !values.follow)) {
      const level = values.level === undefined ? {} : { level: values.level };
      const lines = (await client.logs.list(id, level, options)).toReversed();
      if (context.json) await printJson(context, lines);
      else {
        const { visible } = await import('../../../pkg/terminal/text.ts');
        for (const line of lines) {
          await context.stdout.write(`${line.timestamp} ${line.level.padEnd(5)} ${visible(line.message)}\n`);
        }
      }
      return 0;
    }
    // a file or the next program gets every byte; a person does not read gigabytes
    const whole = values.all === true || !context.stdout.isTerminal;
    if (values.follow) {
      const { followTask } = await import('./follow.ts');
      const { makeLiveView } = await import('./live-view.ts');
      const view = makeLiveView(context, id, { progress: true });
      const only = values.stream;
      const output: typeof view.output = async (stream, text) => {
        if (only === undefined || stream === only) await view.output(stream, text);
      };
      const elided: typeof view.elided = async (stream, elidedBytes) => {
        if (only === undefined || stream === only) await view.elided(stream, elidedBytes);
      };
      await followTask({ context, client, signal: context.signal }, id, { ...view, output, elided, whole });
      await view.end();
      return 0;
    }
    const which = values.stream === undefined ? {} : { stream: values.stream as 'stdout' | 'stderr' };
    const { bytes, elidedBytes } = whole
      ? { bytes: await client.logs.rawText(id, which, options), elidedBytes: 0 }
      : await client.logs.viewText(id, which, options);
    if (context.stdout.isTerminal) {
      const { TerminalGuard } = await import('../../../pkg/terminal/guard.ts');
      const [guard, decoder] = [new TerminalGuard(), new TextDecoder()];
      for await (const chunk of bytes) {
        await context.stdout.write(guard.push(decoder.decode(chunk, { stream: true })));
      }
      await context.stdout.write(guard.push(decoder.decode()) + guard.end());
    } else for await (const chunk of bytes) await context.stdout.write(chunk);
    if (elidedBytes > 0) {
      const { elisionNote } = await import('./live-view.ts');
      await context.stderr.write(`keruta: ${elisionNote(id, values.stream, elidedBytes)}\n`);
    }
    return 0;
  },
});
