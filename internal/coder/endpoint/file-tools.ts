/** The tools for files. Everything goes through a closed directory: nothing outside of the slot, no link, no `.git`. */
import { z } from 'zod';
import type { ClosedDirectory } from '../../../pkg/files/closed-directory.ts';
import { FileRefusedError } from '../../../pkg/files/read-inside.ts';
import { cutMiddle } from '../../../pkg/lines/cut-middle.ts';
import { tool } from './tool.ts';
import { walk } from './walk.ts';

/** Largest file that is read or written; bytes. */
const maxFileBytes = 1024 ** 2;
/** Most that one result has; bytes. */
export const maxResultBytes = 48 * 1024;
/** Most names of one list. */
const mostNames = 1000;

const path = z.string().min(1).max(1000).describe('relative to the root of the repository, with /');

/** Reads a text. @throws {FileRefusedError} */
export async function readText(files: ClosedDirectory, file: string): Promise<string> {
  const bytes = await files.read(file, maxFileBytes);
  if (bytes.includes(0)) throw new FileRefusedError('is no text');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FileRefusedError('is not UTF-8 text', { cause });
  }
}

/** `list_files` */
export const listFiles = tool({
  name: 'list_files',
  description: 'Lists files and directories. Directories end with /, links with @ (they are not followed).',
  shape: z.strictObject({
    path: path.default('.'),
    depth: z.number().int().min(1).max(10).default(2).describe('levels of directories'),
  }),
  subject: (args) => args.path,
  act: async (args, { files, signal }) => {
    const lines: string[] = [];
    let isCut = false;
    for await (const { name, kind } of walk(files, { from: args.path, depth: args.depth, signal })) {
      isCut = lines.length >= mostNames;
      if (isCut) break;
      lines.push(name + (kind === 'directory' ? '/' : kind === 'link' ? '@' : ''));
    }
    const note = isCut ? `(more than ${mostNames} names: list a directory further down)` : '';
    return cutMiddle([...lines, note].join('\n').trim(), maxResultBytes, 1) || '(nothing is there)';
  },
});

/** `read_file` */
export const readFile = tool({
  name: 'read_file',
  description: 'Reads a text file, whole or some of its lines.',
  shape: z.strictObject({
    path,
    first_line: z.number().int().min(1).default(1),
    line_count: z.number().int().min(1).max(10_000).default(1000),
  }),
  subject: (args) => args.path,
  act: async (args, { files }) => {
    const lines = (await readText(files, args.path)).split('\n');
    const from = args.first_line - 1;
    const some = lines.slice(from, from + args.line_count);
    const after = lines.length - from - some.length;
    const note = after > 0 ? `\n[${after} more lines]` : '';
    return cutMiddle(some.join('\n'), maxResultBytes, 1) + note;
  },
});

/** `write_file` */
export const writeFile = tool({
  name: 'write_file',
  description: 'Makes a file, or replaces all of it. To change a part of a file use patch_file.',
  shape: z.strictObject({ path, content: z.string().max(maxFileBytes) }),
  subject: (args) => args.path,
  act: async (args, { files }) => {
    const wasThere = await files.write(args.path, Buffer.from(args.content));
    return `${wasThere ? 'replaced' : 'made'} ${args.path}, ${Buffer.byteLength(args.content)} bytes`;
  },
});

/** `patch_file` */
export const patchFile = tool({
  name: 'patch_file',
  description:
    'Replaces pieces of a file. Each "old" must stand in the file exactly once, with its white space; give more lines around it when it does not. All edits are made, or none.',
  shape: z.strictObject({
    path,
    edits: z
      .array(z.strictObject({ old: z.string().min(1), new: z.string() }))
      .min(1)
      .max(100),
  }),
  subject: (args) => args.path,
  act: async (args, { files }) => {
    let text = await readText(files, args.path);
    for (const [index, edit] of args.edits.entries()) {
      const at = text.indexOf(edit.old);
      const which = args.edits.length === 1 ? 'the piece' : `piece ${index + 1}`;
      if (at === -1) throw new FileRefusedError(`does not have ${which}; read it again. Nothing was changed`);
      if (text.indexOf(edit.old, at + 1) !== -1)
        throw new FileRefusedError(
          `has ${which} more than once; give more lines around it. Nothing was changed`,
        );
      text = text.slice(0, at) + edit.new + text.slice(at + edit.old.length);
    }
    if (Buffer.byteLength(text) > maxFileBytes)
      throw new FileRefusedError(`would be over ${maxFileBytes} bytes`);
    await files.write(args.path, Buffer.from(text));
    return `changed ${args.path} in ${args.edits.length === 1 ? 'one place' : `${args.edits.length} places`}`;
  },
});
