import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findCommand } from '../../../../internal/worker/failure/find-command.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';

const find = (stderrTail: string, script: string) =>
  findCommand({ stderrTail, script, scriptNames: ['script'] });

/** Runs a script for real and returns its stderr. */
function stderrOf(interpreter: string, script: string): string {
  const file = join(temporaryDirectory('find-command'), 'script');
  writeFileSync(file, script);
  try {
    execFileSync(interpreter, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
    return '';
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr);
  }
}

describe('findCommand', () => {
  test.each(['bash', 'sh'])('names the line and the words of %s', (shell) => {
    const script = 'set -e\necho hello\nno-such-program --flag\n';
    const found = find(stderrOf(shell, script), script);
    expect(found).toMatchObject({ line: 3, command: 'no-such-program --flag' });
    expect(found.message).toContain('not found');
  });

  test('names the line of a bash syntax error', () => {
    const script = 'echo a\nif true; then\necho b )\nfi\n';
    expect(find(stderrOf('bash', script), script).line).toBe(3);
  });

  test('names the line of a Node error', () => {
    const script = '// a comment\nnull.x;\n';
    expect(find(stderrOf(process.execPath, script), script)).toMatchObject({ line: 2, command: 'null.x;' });
  });

  test('names the last line of a Python traceback that is in the script', () => {
    const said =
      'Traceback (most recent call last):\n  File "/r/script", line 2, in <module>\n    f()\n' +
      '  File "/usr/lib/python3/json/decoder.py", line 9, in decode\nValueError: no\n';
    expect(find(said, 'import json\nf()\n')).toMatchObject({ line: 2, command: 'f()' });
  });

  test('names the line of a Perl error', () => {
    expect(find('boom at /r/script line 1.\n', 'die "boom";\n')).toMatchObject({ line: 1, message: 'boom' });
  });

  test('lines of other files are not taken for lines of the script', () => {
    const found = find('./build.sh: line 2: cc: command not found\n', 'echo a\n./build.sh\n');
    expect(found).toEqual({ command: null, line: null, message: null });
  });

  test('a script with one command failed there', () => {
    expect(find('', '#!/bin/bash\nset -e\n\n# only this\nmake all\n')).toMatchObject({
      line: 5,
      command: 'make all',
    });
  });

  test('a silent failure of a longer script stays unknown', () => {
    expect(find('', 'set -e\ntrue\nfalse\n')).toEqual({ command: null, line: null, message: null });
  });

  test('a line that the script does not have is not believed', () => {
    expect(find('/r/script: line 900: x: not found\n', 'true\nfalse\n').line).toBeNull();
  });
});
