import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'e2e-quickstart-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the quickstart shows its four tasks, sums them up, and leaves nothing behind', () => {
  const run = spawnSync(process.execPath, [join(root, 'scripts/quickstart.ts')], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, TMPDIR: scratch },
    timeout: 60_000,
  });
  expect({
    status: run.status,
    stderr: run.stderr.replace(/^.*fail.*$|^cat: .*$|^keruta: the task waits.*$/gm, '').trim(),
  }).toEqual({
    status: 0,
    stderr: '',
  });
  expect(run.stdout).toContain('commits: 3');
  expect(run.stdout).toContain('the answer is green');
  const rows = run.stdout.split('\n').filter((line) => /COMPLETED|FAILED/.test(line));
  expect(rows.map((row) => row.split(/\s+/).slice(0, 3).join(' '))).toEqual([
    'report COMPLETED 0',
    'question COMPLETED 0',
    'broken FAILED 3',
    '【自動修正】broken COMPLETED 0',
  ]);
  expect(rows[0]).toMatch(/ 2 +76 B$/);
  const files = /files +(\S+)/.exec(run.stdout)?.[1] ?? scratch;
  expect(existsSync(files)).toBe(false);
});
