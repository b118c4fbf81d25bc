import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { frontScript, maxFrontPayloadBytes } from '../../../cmd/keruta/task-commands/front.ts';
import { decodeMailbox } from '../../../internal/domain/mailbox.ts';

const base = mkdtempSync(join(tmpdir(), 'front-'));
const run = join(base, 'runs', 'task-1.2');
const front = join(base, 'keruta');
const shells = ['dash', 'bash', 'busybox'].filter(
  (name) => spawnSync(name, ['-c', ':']).error === undefined || name === 'sh',
);

/** Stands for the full executable: prints what it was given, one word a line. */
const full = join(base, "full ex'ecutable");
writeFileSync(full, '#!/bin/sh\nprintf "FULL\\n"; for a do printf "%s\\n" "$a"; done\n');
chmodSync(full, 0o755);
writeFileSync(front, frontScript([full, 'first']), { mode: 0o755 });

beforeEach(() => {
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run, { recursive: true });
});
afterAll(() => rmSync(base, { recursive: true }));

function call(shell: string, args: readonly string[], env: Record<string, string> = {}): string {
  const words = shell === 'busybox' ? ['sh', front] : [front];
  return execFileSync(shell, [...words, ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH ?? '',
      KERUTA_RUN_DIR: run,
      KERUTA_TASK_ID: 'task-1',
      LC_ALL: 'C.UTF-8',
      ...env,
    },
  });
}

function said(): readonly (readonly string[])[] {
  const file = join(run, 'mailbox');
  return existsSync(file) ? decodeMailbox(readFileSync(file), 0).records.map((record) => record.words) : [];
}

describe.each(shells)('the front under %s', (shell) => {
  test.each([
    [['start']],
    [['start', '--message', 'go on']],
    [['progress', '0']],
    [['progress', '7']],
    [['progress', '100', '--message', '半分 "quoted" $HOME `x` \\n %s']],
    [['success', '--message', '']],
    [['fail', '--message', "it's broken", '--error-code', 'E1']],
    [['log', 'WARN', 'a  b\ttab']],
  ])('%j goes to the mailbox as it stands', (args) => {
    expect(call(shell, args)).toBe('');
    expect(said()).toEqual([args]);
  });

  test.each([
    [['progress']],
    [['progress', '101']],
    [['progress', '007']],
    [['progress', '-1']],
    [['progress', '5', '--message']],
    [['progress', '5', '--json']],
    [['log', 'info', 'x']],
    [['log', 'INFO']],
    [['log', 'INFO', '-x']],
    [['log', 'INFO', 'x', 'y']],
    [['log', 'INFO', 'two\nlines']],
    [['success', '--error-code', 'E']],
    [['start', '--message', '--message']],
    [['start', '--message=x']],
    [['artifact', 'add', 'a b']],
    [['ask', 'who?']],
    [[]],
    [['log', 'INFO', 'x'.repeat(maxFrontPayloadBytes)]],
    [['log', 'INFO', 'あ'.repeat(maxFrontPayloadBytes / 3)]],
  ])('%j is handed to the executable, word for word', (args) => {
    expect(call(shell, args)).toBe(['FULL', 'first', ...args, ''].join('\n'));
    expect(said()).toEqual([]);
  });

  test('another task than that of the run is spoken about by the executable', () => {
    expect(call(shell, ['start'], { KERUTA_TASK_ID: 'task-2' })).toContain('FULL');
    expect(call(shell, ['start'], { KERUTA_RUN_DIR: '' })).toContain('FULL');
  });

  test('after the end of the run everything goes to the executable: nobody reads the mailbox', () => {
    writeFileSync(join(run, 'receipt.json'), '{}');
    expect(call(shell, ['log', 'INFO', 'late'])).toContain('FULL');
    expect(said()).toEqual([]);
  });

  test('a run directory that is gone leaves the request to the executable', () => {
    rmSync(run, { recursive: true });
    expect(call(shell, ['start'])).toContain('FULL');
  });
});

test('two hundred requests at once are all there', () => {
  const script = `for i in $(seq 200); do '${front}' progress 50 --message "n$i" & done; wait`;
  execFileSync('bash', ['-c', script], {
    env: { ...process.env, KERUTA_RUN_DIR: run, KERUTA_TASK_ID: 'task-1' },
  });
  expect(new Set(said().map((words) => words[3])).size).toBe(200);
});
