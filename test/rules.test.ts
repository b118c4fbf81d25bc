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
