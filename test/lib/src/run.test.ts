import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../../lib/src/index.ts';
import { git, makeRepository, temporaryDirectory } from '../../fixtures/git.ts';

const root = resolve(import.meta.dirname, '../../..');

/** A directory with an executable that is this program from its sources, with a home of its own. */
function desk() {
  const directory = temporaryDirectory('library-run');
  const program = (name: string, text: string) => {
    const file = join(directory, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  mkdirSync(join(directory, 'home'));
  const executable = program(
    'program',
    `export HOME=${directory}/home\nexec ${process.execPath} ${root}/cmd/keruta/main.ts "$@"`,
  );
  const remote = join(directory, 'app.git');
  git('/', 'clone', '--quiet', '--bare', makeRepository({ 'a.txt': 'one\n' }), remote);
  const options = { executable, cwd: directory, allowLocalGit: true };
  return { directory, program, remote, options };
}

describe('run', () => {
  test('does an agent task, tells what is printed as it comes, and gives the result', async () => {
    const { directory, program, remote, options } = desk();
    program(
      'coder',
      'cat > /dev/null; echo at work; echo two > a.txt; echo \'{"usage": {"model": "toy", "tokens_in": 7, "tokens_out": 2}}\'',
    );
    let log = '';
    const result = await run(
      { title: 'Two', taskId: '1.1', repositoryUrl: remote },
      { coder: { agent: 'custom', command: './coder' } },
      {
        ...options,
        onLog: (text) => {
          log += text;
        },
      },
    );
    expect(result).toMatchObject({
      success: true,
      error: null,
      pushed: true,
      llmModel: 'toy',
      tokensUsed: 9,
    });
    expect(result.phases.map(({ phase }) => phase)).toEqual([
      ...['prepare', 'implement', 'test', 'commit', 'push', 'report'],
    ]);
    expect(result.artifacts.find(({ type }) => type === 'diff')).toMatchObject({
      sizeBytes: expect.any(Number),
    });
    expect(git(remote, 'show', `${result.branch}:a.txt`)).toBe('two');
    // a Node that did something, and the gits that it started
    expect(result.memoryMb).toBeGreaterThan(20);
    expect(result.cpuPercent).toBeGreaterThan(0);
    expect(log).toContain('==> prepare');
    expect(log).toContain('at work');
    expect(existsSync(join(directory, '.keruta/doc'))).toBe(true);
  }, 200_000);

  test('a task that fails, and a context with faults, are results with the kind of the error', async () => {
    const { program, remote, options } = desk();
    program('coder', 'cat > /dev/null; exit 3');
    const failed = await run(
      { title: 'Two', repositoryUrl: remote },
      { coder: { agent: 'custom', command: './coder' } },
      options,
    );
    expect(failed).toMatchObject({ success: false, error: { kind: 'ImplementationError' } });
    const faults = await run({ title: 'Nowhere' }, {}, options);
    expect(faults).toMatchObject({ success: false, error: { kind: 'TaskContextValidationError' } });
  }, 200_000);

  test('a configuration with faults, and an executable that is none, are errors', async () => {
    const { remote, options } = desk();
    const context = { title: 'Two', repositoryUrl: remote };
    await expect(run(context, { coders: {} }, options)).rejects.toMatchObject({
      code: 'KERUTA_ERR_CONFIG',
      message: expect.stringContaining('coders'),
    });
    await expect(run(context, {}, { ...options, executable: '/nowhere/keruta' })).rejects.toMatchObject({
      code: 'KERUTA_ERR_CONFIG_MISSING',
      message: expect.stringContaining('/nowhere/keruta'),
    });
  }, 200_000);

  test('is ended by its signal, with all that it started and nothing left behind', async () => {
    const { directory, program, remote, options } = desk();
    program('coder', `cat > /dev/null; echo $$ > ${directory}/pid; echo at work; sleep 300`);
    const stop = new AbortController();
    const running = run(
      { title: 'Never', repositoryUrl: remote },
      { coder: { agent: 'custom', command: './coder' } },
      {
        ...options,
        signal: stop.signal,
        onLog: (text) => {
          if (text.includes('at work')) stop.abort(new Error('enough'));
        },
      },
    );
    await expect(running).rejects.toThrow('enough');
    expect(existsSync(join(directory, 'pid'))).toBe(true);
    const slots = readdirSync(join(directory, 'home/.keruta/pool'));
    expect(slots.length).toBeGreaterThan(0);
    await expect(run({ title: 'x' }, {}, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
  }, 200_000);
});
