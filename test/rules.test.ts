// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the code that is judged
/** The rules that keep code from being made of text can fail: each is shown a file that breaks it. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeRules, sources, withoutComments } from './sources.ts';

const root = resolve(import.meta.dirname, '..');

describe('S-38, S-61, S-62: a rule of the house sees', () => {
  test.each([
    ['a statement from text', "await sql.raw(`SELECT * FROM tasks WHERE id = '${id}'`).execute(db);"],
    ['a literal from text', 'const query = sql`SELECT ${sql.lit(name)}`;'],
    ['a statement with a value in it', 'database.prepare(`SELECT * FROM tasks WHERE id = ${id}`);'],
    ['a statement put together', "database.exec('DELETE FROM tasks WHERE id = ' + id);"],
    ['a query with a value in it', 'await client.query(`SELECT ${value}`);'],
    ['a shell', "spawn('ls', { shell: true });"],
    ['a shell by its name', 'spawn(command, { shell: "/bin/sh" });'],
    ['a command line', "import { exec } from 'node:child_process';"],
    ['code from text', "const f = new Function('return 1');"],
    ['code from text, called', "eval('1');"],
    ['a name that the build changes', 'this.name = new.target.name;'],
    ['a module whose name is a value', 'await import(name);'],
    ['a module whose name is a value, the old way', 'require(name);'],
    ['an archive', "import { extract } from 'tar';"],
    ['bytes that grow', 'const text = zlib.gunzipSync(body);'],
  ])('%s', (_what, text) => {
    expect(codeRules.filter(({ pattern }) => pattern.test(withoutComments(text)))).not.toEqual([]);
  });

  test.each(codeRules.map((rule) => [rule.what, rule] as const))(
    '%s nowhere but behind its door',
    (_what, rule) => {
      const faults = sources.filter(({ text }) => rule.pattern.test(withoutComments(text)));
      expect(faults.map(({ path }) => path).sort()).toEqual([...rule.files].sort());
    },
  );
});

describe('W1: a secret is compared in a time that says nothing', () => {
  const files = ['internal/trigger/webhook/signatures.ts', 'internal/trigger/webhook/verify.ts'];
  // with a constant, and of lengths, is no comparison of secrets; nor is the prefix of a header
  const comparisons = [
    /[!=]==$/,
    /[!=]==?(?![='"`\d\s])(?!null\b|undefined\b)/,
    /[!=]==?\s+(?!['"`\d\s])(?!null\b|undefined\b|\w+\.length\b)/,
    /\b(Object\.is|isDeepStrictEqual)\(|\.(equals|compare|localeCompare|indexOf|lastIndexOf|has|search)\(/,
    /\.(includes|startsWith|endsWith)\((?!['"`]|prefix\))/,
  ];
  const compares = (text: string) => comparisons.some((pattern) => pattern.test(text));

  test.each([
    'if (given === expected) return true;',
    'return expected==given;',
    'const isOurs = expected ===',
    'found |= Number(candidate !== signatureOf(signature, secret, parts));',
    'return secrets.includes(token);',
    'return header.startsWith(expected);',
    'return Buffer.from(a).equals(given);',
    'return new Set(secrets).has(token);',
    'return Object.is(given, expected);',
  ])('the rule sees %s', (text) => {
    expect(compares(text)).toBe(true);
  });

  test.each(files)('%s compares by isSameText alone', (file) => {
    const text = withoutComments(readFileSync(join(root, file), 'utf8'));
    expect(text.split('\n').filter(compares)).toEqual([]);
    expect(text).toContain('isSameText(');
  });

  test('isSameText leaves it to timingSafeEqual', () => {
    const text = readFileSync(join(root, files[0] ?? ''), 'utf8');
    const [, body = ''] = /export function isSameText\(.*?\{\n([\s\S]*?)\n\}/.exec(text) ?? [];
    expect(body.match(/return .*/g)).toEqual(['return timingSafeEqual(a, b);', 'return false;']);
    // nobody else looks at signatures of webhooks
    const others = sources.filter(({ text: other }) => /\b(signatureOf|createHmac)\b/.test(other));
    const paths = others.map(({ path }) => path).filter((path) => path.startsWith('internal/trigger/'));
    expect(paths.sort()).toEqual(['internal/trigger/webhook/sign.ts', files[0]]);
  });
});

describe('S-62: the linter', () => {
  const place = mkdtempSync(join(tmpdir(), 'lint-'));
  beforeAll(() => {
    // its configuration as it is, without the part about the repository
    const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(
      join(place, 'biome.json'),
      JSON.stringify({ ...config, vcs: undefined, $schema: undefined }),
    );
    mkdirSync(join(place, 'internal'));
    cpSync(join(root, 'internal/domain/log-level.ts'), join(place, 'internal/good.ts'));
  });
  afterAll(() => rmSync(place, { recursive: true }));

  /** @returns what it says about a file of that text */
  const lint = (name: string, text: string | null) => {
    if (text !== null) writeFileSync(join(place, 'internal', name), text);
    const words = ['ci', '--colors=off', `internal/${name}`];
    return new Promise<string>((done) => {
      execFile(join(root, 'node_modules/.bin/biome'), words, { cwd: place }, (error, stdout, stderr) =>
        done(`${error === null ? 'good' : 'refused'}\n${stdout}${stderr}`),
      );
    });
  };

  test('takes a file of ours', async () => {
    expect(await lint('good.ts', null)).toMatch(/^good/);
  });

  test.each([
    ['noGlobalEval', "export const two = eval('1 + 1');\n"],
    [
      'noRestrictedImports',
      "import { runInThisContext } from 'node:vm';\n\nexport const run = runInThisContext;\n",
    ],
    ['noRestrictedImports', "import { exec } from 'child_process';\n\nexport const run = exec;\n"],
  ])('refuses by %s: %j', async (rule, text) => {
    const said = await lint('bad.ts', text);
    expect(said).toMatch(/^refused/);
    expect(said).toContain(rule);
  });
});

test('S-59: the executable is built to run without the accessor __proto__, by which an object reaches a prototype', async () => {
  const flag = '--disable-proto=delete';
  const bundle = readFileSync(join(root, 'scripts/bundle.ts'), 'utf8');
  expect(/^ {2}execArgv: \[(.*)\]/m.exec(bundle)?.[1]).toContain(`'${flag}'`);
  const look = "process.stdout.write(String(Object.hasOwn(Object.prototype, '__proto__')))";
  const run = (words: readonly string[]) =>
    new Promise((done) => {
      execFile(process.execPath, [...words, '-e', look], (_error, stdout) => done(stdout));
    });
  expect([await run([]), await run([flag])]).toEqual(['true', 'false']);
});
