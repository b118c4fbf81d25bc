import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makePlace, until } from './place.ts';

/** What the executable opens and starts, as the kernel sees it. Needs strace, and leave to trace. */
const place = makePlace('trace');
afterAll(() => place.close());
const canTrace = spawnSync('strace', ['-f', '-e', 'trace=execve', 'true']).status === 0;
const hint = canTrace ? '' : ' (skipped: strace is not here, or not allowed)';

test.skipIf(!canTrace)(
  `S-65, S-67: server and agent run nothing and load nothing from where all may write, and measure without a shell${hint}`,
  async () => {
    const [file, base] = [place.path('calls'), place.path('base')];
    const words = [
      'up',
      '--port',
      '0',
      '--agent-port',
      '0',
      '--base-dir',
      base,
      '--data-dir',
      place.path('data'),
    ];
    const options = ['-f', '-qq', '-e', 'trace=execve,execveat,openat', '-o', file];
    const up = place.start('strace', [...options, place.executable, ...words], { timeoutMs: 100_000 });
    await until('both are ready', () => /the agent is ready/.test(up.stdout() + up.stderr()), 60_000);
    for (const path of ['/health', '/status', '/metrics'])
      expect(await ask(join(base, 'agent.sock'), path)).toBe(200);

    const calls = readFileSync(file, 'utf8').split('\n');
    const matches = (pattern: RegExp) => calls.flatMap((line) => pattern.exec(line)?.[1] ?? []);
    const programs = matches(/execve(?:at)?\((?:AT_FDCWD, )?"([^"]+)"/);
    expect(programs[0]).toBe(place.executable);
    // what keeps a shim at hand for the next task; a shell that is given a line would have -c
    const known = ['keruta', 'bash', 'dash', 'sh', 'setsid', 'mkfifo', 'cat', 'sleep'];
    expect(programs.filter((path) => !known.includes(basename(path)))).toEqual([]);
    expect(calls.filter((line) => /execve\("[^"]*sh", \["[^"]*", "-\w*c"/.test(line))).toEqual([]);

    const libraries = matches(/openat\([^"]*"([^"]+\.(?:so[.\d]*|node))"/);
    expect(libraries.length).toBeGreaterThan(0);
    const others = programs.filter((path) => path !== place.executable);
    expect([...others, ...libraries].filter(isOpenToAll)).toEqual([]);
  },
);

/** @returns the status of the answer on a socket */
function ask(socketPath: string, path: string): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ socketPath, path, host: 'localhost' }, (answer) => {
      answer.resume().on('end', () => done(answer.statusCode ?? 0));
    });
    asked.on('error', fail).end();
  });
}

/** Whether others may put files where this one lies, or write to it. */
function isOpenToAll(file: string): boolean {
  return [file, dirname(file)].some((path) => existsSync(path) && (statSync(path).mode & 0o002) !== 0);
}
