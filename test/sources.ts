/** The sources of the product as texts, and rules about what may stand in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Every file of the product; paths from the root. */
export const sources: readonly { readonly path: string; readonly text: string }[] = [
  'cmd',
  'internal',
  'pkg',
].flatMap((top) =>
  readdirSync(join(root, top), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: relative(root, file), text: readFileSync(file, 'utf8') };
    }),
);

/** Text without comments, so that prose does not count. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** What makes code, statements or command lines out of text, and the files that must. */
export const codeRules: readonly {
  readonly what: string;
  readonly pattern: RegExp;
  readonly files: readonly string[];
}[] = [
  {
    what: 'sql.raw, of texts that are written in the file itself',
    pattern: /\bsql\.(raw|lit)\(/,
    files: [
      'internal/store/migrate.ts',
      'internal/store/queries/next-task.ts',
      'internal/store/queries/put.ts',
    ],
  },
  {
    what: 'a statement with a value in its text',
    pattern: /\.(exec|prepare|query)\(\s*(`[^`]*\$\{|['"][^'"\n]*['"]\s*\+)/,
    // names of channels and of the schema, quoted
    files: ['pkg/postgres/listen.ts', 'pkg/postgres/postgres.ts'],
  },
  {
    what: 'a shell',
    pattern: /\bshell:\s*(true|['"`])/,
    // the words of a help text
    files: ['cmd/keruta/completion-scripts.ts'],
  },
  {
    what: 'a command line',
    pattern: /import\s*\{[^}]*\bexec(Sync)?\b[^}]*\}\s*from 'node:child_process'/,
    files: [],
  },
  {
    what: 'the name of a class, which is another one in the executable',
    pattern: /\b(new\.target|constructor)\.name\b/,
    files: [],
  },
  { what: 'code from text', pattern: /\bnew Function\(|(?<![.\w])eval\(/, files: [] },
  {
    what: 'a module whose name is a value',
    pattern: /(?<![.\w])(import|require)\(\s*(?!['"])[\w`]/,
    // the file that a user names on the command line, to be run
    files: ['cmd/keruta/library/import-file.ts'],
  },
  {
    what: 'an archive, or anything else that grows when it is unpacked',
    pattern:
      /from '(tar|tar-\w+|unzipper|adm-zip|yauzl|jszip|fflate|pako)'|\b(create)?(gunzip|unzip|inflate|inflateRaw|brotliDecompress|zstdDecompress)(Sync)?\(/i,
    // the change log of the machine's own git, with a limit
    files: ['pkg/git/vendor-fixes.ts'],
  },
];
