/** The laws of the executor port; every adapter runs this suite. Scripts are POSIX sh. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor, Run, RunEnd, RunSpec } from '../../../internal/executor/executor.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';

/** What an adapter gives the suite, anew for each test. */
export interface ExecutorFixture {
  /** Makes an executor; called again, one that knows nothing of the first (another agent). */
  makeExecutor(): Executor;
  /** a new directory for everything; the suite puts `runs/…` and its markers there */
  readonly base: string;
  dispose(): Promise<void>;
}

/** Waits until a question is answered with something; the test's own time limit ends it. */
export async function until<T>(ask: () => Promise<T | null | false> | T | null | false): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    await systemClock.sleep(5);
  }
}

/** The end of a run. */
export const endOf = (run: Run): Promise<RunEnd> => until(() => run.ended());

/** Everything that a run wrote to a stream, once it is complete. */
export async function outputOf(run: Run, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Buffer> {
  await until(() => run.drained());
  const size = await run.size(stream);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < size; ) {
    const part = await run.read(stream, offset, 1 << 20);
    parts.push(part);
    offset += part.length;
  }
  return Buffer.concat(parts);
}

const text = async (run: Run, stream?: 'stdout' | 'stderr') => (await outputOf(run, stream)).toString();

/** Runs the laws of internal/executor/executor.ts against an adapter. */
export function executorContract(name: string, makeFixture: () => Promise<ExecutorFixture>): void {
  describe(`${name} keeps the laws of an executor`, () => {
    let fixture: ExecutorFixture;
    let executor: Executor;
    let runs = 0;

    beforeEach(async () => {
      fixture = await makeFixture();
      executor = fixture.makeExecutor();
    });
    afterEach(async () => {
      await executor.close();
      await fixture.dispose();
    });

    const specOf = (script: string, more: Partial<RunSpec> = {}): RunSpec => {
      runs += 1;
      return {
        directory: join(fixture.base, 'runs', `task.${runs}`),
        runId: `run-${process.pid}-${runs}-${fixture.base}`,
        script,
        workingDirectory: fixture.base,
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', BASE: fixture.base },
        input: 'none',
        ...more,
      };
    };
    const start = (script: string, more?: Partial<RunSpec>) => executor.start(specOf(script, more));
    /** A started run, as another agent finds it: on a busy machine nobody may have taken it on for longer than that waits. */
    const attached = (spec: RunSpec) => until(() => fixture.makeExecutor().attach(spec.directory));

    test('both streams are kept byte for byte, apart from each other', async () => {
      const run = await start('printf "a\\000\\377b"; printf "\\351\\n" >&2');
      expect([...(await outputOf(run))]).toEqual([97, 0, 255, 98]);
      expect([...(await outputOf(run, 'stderr'))]).toEqual([0o351, 10]);
    });

    test('what is read lies between an offset and a number of bytes, and may be nothing', async () => {
      const run = await start('printf 0123456789');
      await outputOf(run);
      expect(Buffer.from(await run.read('stdout', 3, 4)).toString()).toBe('3456');
      expect(Buffer.from(await run.read('stdout', 8, 100)).toString()).toBe('89');
      expect(await run.read('stdout', 10, 100)).toHaveLength(0);
      expect(await run.read('stdout', 99, 100)).toHaveLength(0);
    });

    test('a ledger of 20,000 lines is exact', async () => {
      const run = await start('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done; exit 7');
      const expected = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');
      expect(await text(run)).toBe(expected);
      expect(await endOf(run)).toMatchObject({ exitCode: 7, signal: null, shimLost: false });
    });

    test('writing to /dev/stdout, /dev/stderr and /proc/self/fd truncates nothing', async () => {
      const run = await start(
        'echo 1; echo 2 >/dev/stdout; echo 3 | tee /dev/stderr; echo 4 >/proc/self/fd/1; echo 5 >/dev/stderr; echo 6',
      );
      expect(await text(run)).toBe('1\n2\n3\n4\n6\n');
      expect(await text(run, 'stderr')).toBe('3\n5\n');
    });

    test.each([0, 1, 126, 127, 130, 137, 139, 141, 143, 147, 255])('exit code %i is exact', async (code) => {
      expect(await endOf(await start(`exit ${code}`))).toMatchObject({ exitCode: code, signal: null });
    });

    test.each(['HUP', 'QUIT', 'ABRT', 'KILL', 'SEGV', 'TERM', 'USR1'])(
      'signal %s is exact',
      async (signal) => {
        const end = await endOf(await start(`#!/bin/sh\nkill -${signal} $$; sleep 5`));
        expect(end).toMatchObject({ exitCode: null, signal: `SIG${signal}` });
      },
    );

    test('a background child that holds the output open delays neither end nor its own output', async () => {
      const run = await start('(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early; exit 3');
      expect(await endOf(run)).toMatchObject({ exitCode: 3 });
      expect(await run.drained()).toBe(false);
      const marker = join(fixture.base, 'go');
      await start(`: >${marker}`);
      expect(await text(run)).toBe('early\nlate\n');
    });

    test('a directory where nothing was started has no run', async () => {
      expect(await executor.attach(join(fixture.base, 'nothing'))).toBeNull();
      expect(await executor.isUntouched(join(fixture.base, 'nothing'))).toBe(true);
    });

    test('a directory in which something was started is not untouched any more, also when it has ended', async () => {
      const spec = specOf('while [ ! -e go ]; do sleep 0.02; done');
      const run = await executor.start(spec);
      await until(async () => ((await run.processes()).length > 0 ? true : null));
      expect(await executor.isUntouched(spec.directory)).toBe(false);
      writeFileSync(join(fixture.base, 'go'), '');
      await endOf(run);
      expect(await executor.isUntouched(spec.directory)).toBe(false);
    });

    test('another agent finds a run again, in any state and any number of times', async () => {
      const spec = specOf('echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 9');
      await executor.start(spec);
      const found = await attached(spec);
      expect(await found.ended()).toBeNull();
      await endOf(await start(`: >${join(fixture.base, 'go')}`));
      expect(await text(found)).toBe('one\ntwo\n');
      for (let time = 0; time < 2; time++) {
        const again = await attached(spec);
        expect(await again.ended()).toMatchObject({ exitCode: 9 });
        expect(await again.ended()).toEqual(await found.ended());
      }
    });

    test('a run that was started is not started again', async () => {
      const spec = specOf('echo ran >>$BASE/ledger; echo x');
      const both = await Promise.all([executor.start(spec), executor.start(spec)]);
      await Promise.all(both.map(endOf));
      const later = await fixture.makeExecutor().start(spec);
      expect(await text(later)).toBe('x\n');
      expect(readFileSync(join(fixture.base, 'ledger'), 'utf8')).toBe('ran\n');
    });

    test('the environment of the script is the one given, its marker included', async () => {
      const spec = specOf('printf "%s|%s|%s|%s" "$QUOTED" "$KERUTA_RUN_ID" "$HOME" "$(pwd)"', {
        env: { PATH: '/usr/bin:/bin', QUOTED: `a'b"$c\n\\d` },
      });
      expect(await text(await executor.start(spec))).toBe(`a'b"$c\n\\d|${spec.runId}||${fixture.base}`);
    });

    test('what prepare made changes nothing but the time', async () => {
      executor.prepare();
      const spec = specOf('printf "%s|%s|%s" "$QUOTED" "$KERUTA_RUN_ID" "$HOME"; exit 4', {
        env: { PATH: '/usr/bin:/bin', QUOTED: `a'b"$c\n\\d` },
      });
      await endOf(await start('sleep 0.1'));
      executor.prepare();
      await endOf(await start('sleep 0.1'));
      const run = await executor.start(spec);
      expect(await text(run)).toBe(`a'b"$c\n\\d|${spec.runId}|`);
      expect(await endOf(run)).toMatchObject({ exitCode: 4 });
    });

    test('without input the script reads end-of-file at once, and takes none', async () => {
      const run = await start('read x && echo got || echo nothing');
      expect(await run.write('x\n')).toBe(false);
      expect(await text(run)).toBe('nothing\n');
      expect(await run.isReadingInput()).toBe(false);
      await run.closeInput();
    });

    test('input arrives in order, however long, and ends when it is closed', async () => {
      const run = await start('cat', { input: 'wait' });
      const long = 'x'.repeat(300_000);
      const answers = await Promise.all([run.write('first\n'), run.write(long), run.write('\nlast\n')]);
      expect(answers).toEqual([true, true, true]);
      expect(await run.ended()).toBeNull();
      await run.closeInput();
      expect(await text(run)).toBe(`first\n${long}\nlast\n`);
      expect(await run.write('too late')).toBe(false);
      await run.closeInput();
    });

    test('another agent may write and close the input', async () => {
      const spec = specOf('while read line; do echo "got $line"; done; echo end', { input: 'wait' });
      await executor.start(spec);
      const run = await attached(spec);
      expect(await run.write('one\n')).toBe(true);
      await run.closeInput();
      expect(await run.write('two\n')).toBe(false);
      expect(await text(run)).toBe('got one\nend\n');
    });

    test('a script that waits for input is told from one that does something else', async () => {
      const spec = specOf('x=$(while [ ! -e go ]; do sleep 0.02; done); read y; echo "$y"', {
        input: 'wait',
      });
      const run = await executor.start(spec);
      await until(async () => (await run.processes()).length > 1);
      expect(await run.isReadingInput()).not.toBe(true);
      await endOf(await start(`: >${join(fixture.base, 'go')}`));
      if ((await run.isReadingInput()) !== null)
        await until(async () => (await run.isReadingInput()) === true);
      await run.write('answer\n');
      expect(await text(run)).toBe('answer\n');
      expect(await run.isReadingInput()).toBe(false);
    });

    test('interrupt ends a script that does not mind, a stopped one too', async () => {
      const run = await start('echo up; kill -STOP $$; sleep 60');
      await until(async () => (await run.size('stdout')) > 0);
      await run.interrupt();
      expect(await endOf(run)).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
      await run.kill();
    });

    test('interrupt lets a script clean up, and its last words are kept', async () => {
      const run = await start('trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done');
      await until(async () => (await run.size('stdout')) > 0);
      await run.interrupt();
      expect(await endOf(run)).toMatchObject({ exitCode: 5 });
      expect(await text(run)).toContain('bye\n');
    });

    test('kill ends everything that the run started: deaf, detached, stopped, without environment', async () => {
      const run = await start(
        `trap '' TERM INT HUP
         setsid sleep 300 &
         nohup sleep 300 >/dev/null 2>&1 &
         (setsid sh -c 'sleep 300 & : >forked; sleep 300' >/dev/null 2>&1 </dev/null &)
         env -i /bin/sleep 300 &
         (env -i setsid /bin/sleep 300 &)
         sh -c 'kill -STOP $$; sleep 300' &
         while [ ! -e forked ]; do sleep 0.02; done
         echo up; sleep 300`,
      );
      await until(async () => (await run.size('stdout')) > 0);
      await until(async () => (await run.processes()).length >= 9);
      await run.interrupt();
      expect(await run.kill()).toBeGreaterThanOrEqual(9);
      expect(await run.processes()).toEqual([]);
      expect(await run.drained()).toBe(true);
      expect(await text(run)).toBe('up\n');
    });

    test('kill leaves another run alone, and keeps what was written before', async () => {
      const bystander = await start('echo up; sleep 300');
      const run = await start('i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; sleep 300');
      await until(async () => (await run.size('stdout')) >= 10);
      await until(async () => (await bystander.size('stdout')) > 0);
      await run.kill();
      const lines = (await text(run)).split('\n').slice(0, -1);
      expect(lines).toEqual(lines.map((_, index) => String(index)));
      expect(await endOf(run)).toMatchObject({ signal: 'SIGKILL', shimLost: false });
      expect(await bystander.ended()).toBeNull();
      expect(await bystander.processes()).not.toEqual([]);
      await bystander.kill();
    });

    test('kill of a run that is over finds nothing, any number of times', async () => {
      const run = await start('exit 0');
      await endOf(run);
      expect(await run.kill()).toBe(0);
      expect(await run.kill()).toBe(0);
    });

    test('what a run used is told while it runs and afterwards', async () => {
      const run = await start(
        'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo up; sleep 0.3; while [ ! -e measured ]; do sleep 0.02; done',
      );
      await until(async () => (await run.size('stdout')) > 0);
      await until(async () => (await run.usage()).peakMemoryBytes !== null);
      const during = await run.usage();
      expect(during.peakMemoryBytes).toBeGreaterThan(100_000);
      await endOf(await start(`: >${join(fixture.base, 'measured')}`));
      await endOf(run);
      const after = await run.usage();
      expect(after.cpuMs).toBeGreaterThan(10);
      expect(after.durationMs).toBeGreaterThanOrEqual(300);
      expect(after.peakMemoryBytes).toBe(during.peakMemoryBytes);
    });

    test('a watcher hears of output, mailbox and end, and nothing once it is stopped', async () => {
      const run = await start('while [ ! -e go ]; do sleep 0.02; done; echo out; exit 1');
      let calls = 0;
      const stop = run.watch(() => calls++);
      await endOf(await start(`echo x >>${run.mailboxFile}`));
      await until(() => calls > 0);
      const before = calls;
      await endOf(await start(`: >${join(fixture.base, 'go')}`));
      await endOf(run);
      await until(() => calls > before);
      stop();
      stop();
    });

    test('a missing interpreter is named, and nothing is started', async () => {
      const spec = specOf('#!/opt/none/bin/nolang -x\n1');
      await expect(executor.start(spec)).rejects.toMatchObject({
        code: 'KERUTA_ERR_INTERPRETER_MISSING',
        message: expect.stringContaining('/opt/none/bin/nolang'),
      });
      expect(existsSync(spec.directory)).toBe(false);
      expect(await executor.attach(spec.directory)).toBeNull();
    });

    test('a working directory that is not there is named', async () => {
      const workingDirectory = join(fixture.base, 'gone');
      await expect(start('exit 0', { workingDirectory })).rejects.toMatchObject({
        code: 'KERUTA_ERR_FILE_NOT_FOUND',
        message: expect.stringContaining(workingDirectory),
      });
    });

    test('a script of 1 MiB and one with CRLF line ends run', async () => {
      const long = await start(`: '${'x'.repeat(1 << 20)}'\nexit 6`);
      expect(await endOf(long)).toMatchObject({ exitCode: 6 });
      const dos = await start('#!/bin/sh\r\nif true; then\r\n  echo yes\r\nfi\r\n');
      expect(await text(dos)).toBe('yes\n');
    });
  });
}
