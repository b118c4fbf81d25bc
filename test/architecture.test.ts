import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Rooms by floor: a room may import rooms of lower floors only. */
const floors: Readonly<Record<string, number>> = {
  domain: 0,
  config: 1,
  api: 1,
  store: 1,
  blob: 1,
  executor: 1,
  trigger: 1,
  skill: 1,
  coder: 1,
  governance: 1,
  notify: 1,
  playbook: 1,
  'commit-gate': 1,
  pool: 1,
  runner: 2,
  session: 2,
  worker: 3,
  server: 3,
};

/** Rooms that the worker never imports: it meets the server only through `api`. */
const forbiddenToWorker = ['session', 'store', 'engine', 'blob'];

/** Third-party packages without I/O, and kysely's builder: free everywhere. */
const freePackages = ['zod', 'yaml', 'croner', 'cronstrue', 'kysely'];

/** What reads time, chance, environment or network: allowed in the named files only. */
const doors: readonly {
  readonly pattern: RegExp;
  readonly what: string;
  readonly files: readonly string[];
}[] = [
  { pattern: /\bDate\.now\(/, what: 'Date.now', files: ['pkg/clock/system-clock.ts'] },
  {
    pattern: /(?<![.\w])(setTimeout|setInterval)\(/,
    what: 'timers',
    files: ['pkg/clock/system-clock.ts'],
  },
  { pattern: /\bMath\.random\(/, what: 'Math.random', files: [] },
  { pattern: /\bprocess\.(env|argv|exit|exitCode)\b/, what: 'process.env, argv, exit', files: ['cmd/'] },
  { pattern: /(?<![.\w])fetch\(/, what: 'fetch', files: [] },
  { pattern: /\bnew Function\(|(?<![.\w])eval\(/, what: 'code made from text', files: [] },
  { pattern: /\bshell:\s*true/, what: 'shell: true', files: [] },
  {
    pattern: /from 'node:child_process'/,
    what: 'node:child_process',
    files: ['pkg/process/', 'internal/executor/local/', 'cmd/'],
  },
  { pattern: /from 'node:sqlite'/, what: 'node:sqlite', files: ['pkg/sqlite/'] },
];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly string[];
}

const sources = ['cmd', 'internal', 'pkg', 'lib/src'].flatMap((top) => readSources(join(root, top)));

function readSources(directory: string): Source[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const text = readFileSync(file, 'utf8');
      const imports = [...text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+'([^']+)'/gms)].map(
        (m) => m[1] ?? '',
      );
      const dynamic = [...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)].map((m) => m[1] ?? '');
      return {
        path: relative(root, file),
        text,
        lines: text.split('\n').length - 1,
        imports: [...imports, ...dynamic],
      };
    });
}

/** Text without comments and strings, so that prose does not count. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function targetOf(source: Source, specifier: string): string | null {
  return specifier.startsWith('.') ? relative(root, resolve(root, dirname(source.path), specifier)) : null;
}

const roomOf = (path: string) => (path.startsWith('internal/') ? (path.split('/')[1] ?? null) : null);

describe('the house', () => {
  test('every room stands on a floor', () => {
    const rooms = new Set(sources.map((source) => roomOf(source.path)).filter((room) => room !== null));
    expect([...rooms].filter((room) => !(room in floors))).toEqual([]);
  });

  test('imports between rooms go down only', () => {
    const faults = sources.flatMap((source) =>
      source.imports.flatMap((specifier) => {
        const [from, to] = [roomOf(source.path), roomOf(targetOf(source, specifier) ?? '')];
        if (from === null || to === null || from === to) return [];
        const down = (floors[to] ?? 9) < (floors[from] ?? 0);
        const kept = from !== 'worker' || !forbiddenToWorker.includes(to);
        return down && kept ? [] : [`${source.path} imports ${specifier}`];
      }),
    );
    expect(faults).toEqual([]);
  });

  test('pkg imports nothing above itself and does not know the product', () => {
    const shed = sources.filter((source) => source.path.startsWith('pkg/'));
    const faults = shed.flatMap((source) => [
      ...source.imports
        .filter((specifier) => !(targetOf(source, specifier) ?? 'pkg/').startsWith('pkg/'))
        .map((specifier) => `${source.path} imports ${specifier}`),
      ...(/keruta/i.test(source.text) ? [`${source.path} says keruta`] : []),
    ]);
    expect(faults).toEqual([]);
  });

  test('nothing imports cmd', () => {
    const faults = sources
      .filter((source) => !source.path.startsWith('cmd/'))
      .filter((source) =>
        source.imports.some((specifier) => targetOf(source, specifier)?.startsWith('cmd/')),
      );
    expect(faults.map((source) => source.path)).toEqual([]);
  });

  test('a third-party package is imported by one file, its door', () => {
    const users = new Map<string, string[]>();
    for (const source of sources) {
      for (const specifier of source.imports) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        if (freePackages.includes(name)) continue;
        users.set(name, [...new Set([...(users.get(name) ?? []), source.path])]);
      }
    }
    expect([...users].filter(([, files]) => files.length > 1)).toEqual([]);
  });

  test.each(doors.map((door) => [door.what, door] as const))(
    '%s is used behind its door only',
    (_what, door) => {
      const faults = sources
        .filter((source) => door.pattern.test(code(source.text)))
        .filter((source) => !door.files.some((file) => source.path.startsWith(file)));
      expect(faults.map((source) => source.path)).toEqual([]);
    },
  );

  test('occurrences, and acts on what may run, are put on record where the ledger hears of them', () => {
    const records: readonly (readonly [RegExp, readonly string[]])[] = [
      [
        /\b(insertOccurrences?|replaceSkipped)\(/,
        // the second hands on what the first wrote, and looks at it
        ['internal/session/record-occurrence.ts', 'internal/session/watch/watch-store.ts'],
      ],
      [/\binsertLedger\(/, ['internal/session/append-ledger.ts']],
      // of sessions and tasks only
      [
        /\binsertAudits?\(/,
        ['put-task', 'submit', 'edit-session', 'create-session', 'checkout-source'].map(
          (name) => `internal/session/${name}.ts`,
        ),
      ],
    ];
    const strays = sources
      .filter(({ path }) => path.startsWith('internal/session/'))
      .filter(({ path, text }) =>
        records.some(([pattern, files]) => pattern.test(code(text)) && !files.includes(path)),
      );
    expect(strays.map(({ path }) => path)).toEqual([]);
  });

  test('no file is longer than 300 lines', () => {
    const long = sources.filter((source) => source.lines > 300);
    expect(long.map((source) => `${source.path}: ${source.lines}`)).toEqual([]);
  });

  test('no folder is named utils, helpers, common, manager or misc', () => {
    const bad = sources.filter((source) =>
      /(^|\/)(utils?|helpers?|common|managers?|misc)(\/|\.ts$)/.test(source.path),
    );
    expect(bad.map((source) => source.path)).toEqual([]);
  });

  test('every exported function, class and interface has a doc comment', () => {
    const faults = sources.flatMap((source) => {
      const lines = source.text.split('\n');
      return lines.flatMap((line, index) => {
        if (!/^export (async )?(function|class|interface|type (?!\*|\{))/.test(line)) return [];
        if (/^export type \w+ = z\./.test(line)) return [];
        const above = lines[index - 1]?.trim() ?? '';
        return above.endsWith('*/') ? [] : [`${source.path}:${index + 1}`];
      });
    });
    expect(faults).toEqual([]);
  });
});
