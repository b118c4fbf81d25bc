import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Runs a program that lives long and has a fault; @returns its exit status, and what its log holds afterwards. */
async function runFaulty(fault: string, toFile: boolean, settings: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'keruta-bug-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'log');
  const program = `
    import { withLog } from '${root}/cmd/keruta/roles/open-log.ts';
    import { makeProcessParts } from '${root}/cmd/keruta/process-context.ts';
    const values = { ...${JSON.stringify(settings)}, logFormat: 'json', logFile: ${toFile ? JSON.stringify(file) : 'null'}, logLevel: 'INFO' };
    const work = async (log) => {
      for (let n = 0; n < 1000; n++) log.info('before', { n });
      ${fault};
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    };
    process.exitCode = await withLog(makeProcessParts(), values, work).catch(() => 70);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEPLOY_TOKEN: 'hunter2hunter2' },
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const status = await new Promise((done) => child.once('close', done));
  if (toFile) text = existsSync(file) ? readFileSync(file, 'utf8') : text;
  return { status, lines: text.trim().split('\n') };
}

test.each([
  ['an exception that nobody caught', "setImmediate(() => { throw new Error('mine') })", false],
  ['an exception that nobody caught', "setImmediate(() => { throw new Error('mine') })", true],
  ['a rejection that nobody handled', "void Promise.reject(new Error('mine'))", false],
  ['a rejection that nobody handled', "void Promise.reject(new Error('mine'))", true],
  ['a fault that the work threw', "throw new Error('mine')", false],
  ['a fault that the work threw', "throw new Error('mine')", true],
])(
  'S-63: %s ends the program with 70, and stands in the log behind all lines before it (%#)',
  async (_what, fault, toFile) => {
    const { status, lines } = await runFaulty(fault, toFile);
    expect(status).toBe(70);
    expect(lines).toHaveLength(1001);
    expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({ msg: 'before', n: 999 });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      level: 'ERROR',
      msg: 'a fault in keruta itself',
      error: { message: 'mine' },
    });
  },
);

test.each([false, true])('S-19: what a fault says holds no secret (to a file: %s)', async (toFile) => {
  const fault =
    "throw new Error('refused hunter2hunter2', { cause: new Error('postgres://me:pa55word@host/db') })";
  const { lines } = await runFaulty(fault, toFile, { databaseUrl: 'postgres://me:pa55word@host/db' });
  const last = lines.at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({ error: { message: 'refused **************' } });
  expect(last).toContain('postgres://me:********@host/db');
  expect(lines.join('')).not.toMatch(/hunter2|pa55word/);
});
