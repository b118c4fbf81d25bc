import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadCommands } from '../../cmd/keruta/commands.ts';
import { completionScript } from '../../cmd/keruta/completion-scripts.ts';
import { cli } from './harness.ts';

const commands = await loadCommands();
const has = (shell: string) => ['/bin', '/usr/bin'].some((directory) => existsSync(`${directory}/${shell}`));

describe.each(['bash', 'zsh', 'fish'] as const)('the completion script of %s', (shell) => {
  const script = completionScript(shell, commands);

  test.runIf(has(shell))('is understood by the shell', () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: script });
    expect([status, String(stderr)]).toEqual([0, '']);
  });

  test('names every command and its options', () => {
    for (const command of commands) {
      for (const word of command.name.split(' ')) expect(script).toContain(word);
      for (const option of Object.keys(command.options)) expect(script).toContain(option);
    }
  });

  test('is printed without any configuration', async () => {
    expect(await cli(['completion', shell], { env: { KERUTA_TIMEOUT: 'x' } })).toEqual({
      status: 0,
      out: script,
      err: '',
    });
  });
});

/** What bash offers for a line whose last word is being typed. */
function offers(...words: string[]): string[] {
  const script = `${completionScript('bash', commands)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_keruta
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
}

describe.runIf(has('bash'))('bash completes', () => {
  test.each([
    [
      ['keruta', 'se'],
      ['server', 'session'],
    ],
    [['keruta', 'session', 'cl'], ['close']],
    [
      ['keruta', 'daemon', 'st'],
      ['start', 'status', 'stop'],
    ],
    [['keruta', 'task', 'list', '--st'], ['--status']],
    [['keruta', 'task', 'list', '--status', 'CO'], ['COMPLETED']],
    [['keruta', 'completion', 'z'], ['zsh']],
    [['keruta', 'daemon', '--poll'], ['--poll-interval']],
    [['keruta', 'task', 'list', '--session', ''], []],
  ])('%j to %j', (words, expected) => {
    expect(offers(...words).sort()).toEqual(expected);
  });
});
