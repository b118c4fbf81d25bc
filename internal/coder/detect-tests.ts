import { parseJson } from './json.ts';

/** How the tests of a repository are run. */
export interface TestCommand {
  readonly kind: 'npm' | 'pytest' | 'go' | 'cargo' | 'make';
  /** for a shell, in the root of the work tree */
  readonly command: string;
  /** the same with a report of the JUnit kind in the file that stands for `{report}`; null when the tool writes none by itself */
  readonly commandWithReport: string | null;
}

/** The root of a work tree, as far as it is looked at. */
export interface RootFiles {
  /** names of its files and directories */
  readonly names: readonly string[];
  /** the text of one of them; null when it cannot be read */
  readonly read: (name: string) => string | null;
}

/** Names of the files that are read, if they are there. */
export const testFiles: readonly string[] = [
  ...['package.json', 'pyproject.toml', 'setup.cfg', 'tox.ini'],
  ...['GNUmakefile', 'makefile', 'Makefile'],
];

/** What `npm init` writes. */
const noTests = /^echo "Error: no test specified" && exit 1$/;

/**
 * Finds out how tests are run: by what stands in the root, in this order: npm (a script `test`), pytest, go, cargo, make (a target
 * `test`). Pure.
 * @returns null when nothing is known
 */
export function detectTests(root: RootFiles): TestCommand | null {
  for (const detect of [npm, pytest, go, cargo, make]) {
    const found = detect(root);
    if (found !== null) return found;
  }
  return null;
}

function npm({ names, read }: RootFiles): TestCommand | null {
  if (!names.includes('package.json')) return null;
  const manifest = parseJson(read('package.json') ?? '') as { scripts?: { test?: unknown } } | null;
  const script = manifest?.scripts?.test;
  if (typeof script !== 'string' || script.trim() === '' || noTests.test(script.trim())) return null;
  const lock = [
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun run'],
    ['bun.lockb', 'bun run'],
  ].find(([name = '']) => names.includes(name));
  return { kind: 'npm', command: `${lock?.[1] ?? 'npm'} test`, commandWithReport: null };
}

const pythonProject = ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt'];

function pytest({ names, read }: RootFiles): TestCommand | null {
  const isTold =
    names.includes('pytest.ini') ||
    names.includes('conftest.py') ||
    (names.includes('pyproject.toml') && /^\s*\[tool\.pytest\b/m.test(read('pyproject.toml') ?? '')) ||
    (names.includes('setup.cfg') && /^\[tool:pytest\]/m.test(read('setup.cfg') ?? '')) ||
    (names.includes('tox.ini') && /^\[pytest\]/m.test(read('tox.ini') ?? ''));
  const hasTests =
    names.some((name) => /^test_.*\.py$|_test\.py$/.test(name)) ||
    (names.some((name) => name === 'tests' || name === 'test') &&
      names.some((name) => pythonProject.includes(name)));
  if (!isTold && !hasTests) return null;
  const command = 'python3 -m pytest';
  return { kind: 'pytest', command, commandWithReport: `${command} --junitxml={report}` };
}

function go({ names }: RootFiles): TestCommand | null {
  if (!names.includes('go.mod') && !names.includes('go.work')) return null;
  return { kind: 'go', command: 'go test ./...', commandWithReport: null };
}

function cargo({ names }: RootFiles): TestCommand | null {
  if (!names.includes('Cargo.toml')) return null;
  return { kind: 'cargo', command: 'cargo test', commandWithReport: null };
}

function make({ names, read }: RootFiles): TestCommand | null {
  // the one that make takes
  const file = ['GNUmakefile', 'makefile', 'Makefile'].find((name) => names.includes(name));
  if (file === undefined || !/^test[ \t]*:(?!=)/m.test(read(file) ?? '')) return null;
  return { kind: 'make', command: 'make test', commandWithReport: null };
}
