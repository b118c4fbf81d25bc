import { open } from 'node:fs/promises';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { fromSetting } from '../options.ts';

const lookEveryMs = 200;
/** How much of the end of the file is looked at for the last lines; bytes. */
const tailBytes = 1024 * 1024;

/** `keruta daemon logs` */
export const daemonLogs = command({
  name: 'daemon logs',
  summary: 'Shows the log of the agent in the background.',
  positionals: {},
  options: {
    'log-file': fromSetting('logFile'),
    follow: { kind: 'bool', short: 'f', doc: 'go on with what comes' },
    lines: {
      kind: 'int',
      short: 'n',
      range: [0, 1_000_000],
      default: 100,
      doc: 'how many lines from the end',
    },
  },
  examples: ['keruta daemon logs -f', 'keruta daemon logs -n 20'],
  run: async (context, { follow, lines }) => {
    const { values } = await context.settings();
    const { daemonPlaces } = await import('./places.ts');
    const { logFile } = daemonPlaces(values);
    let at = await printTail(context, logFile, lines);
    while (follow && !context.signal.aborted) {
      await context.clock.sleep(lookEveryMs, context.signal).catch(() => {});
      at = await printFrom(context, logFile, at);
    }
    return 0;
  },
});

/** A place in a file that may be rotated. */
interface Place {
  readonly inode: number;
  readonly offset: number;
}

async function printTail(context: CommandContext, path: string, lines: number): Promise<Place> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new NotFoundError('KERUTA_ERR_FILE_NOT_FOUND', `the log ${path} cannot be read: ${why}`, { cause });
  });
  try {
    const { size, ino } = await file.stat();
    const from = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const all = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    const rest = all.pop() ?? '';
    const last = lines === 0 ? [] : all.slice(-lines);
    await context.stdout.write(last.map((line) => `${line}\n`).join('') + rest);
    return { inode: ino, offset: size };
  } finally {
    await file.close();
  }
}

/** Prints what came since; a file that was rotated is begun anew. */
async function printFrom(context: CommandContext, path: string, at: Place): Promise<Place> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return at;
  try {
    const { size, ino } = await file.stat();
    const offset = ino === at.inode && size >= at.offset ? at.offset : 0;
    const stream = file.createReadStream({ start: offset, autoClose: false });
    let end = offset;
    for await (const chunk of stream) {
      end += (chunk as Buffer).length;
      await context.stdout.write(chunk as Buffer);
    }
    return { inode: ino, offset: end };
  } finally {
    await file.close();
  }
}
