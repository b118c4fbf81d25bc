import { beforeAll, expect, test } from 'vitest';
import { useUpHere } from '../up-in-home.ts';

/** Server and agent in this process; the server shows 1 KiB of a stream. */
const viewBytes = 1024;
const place = useUpHere({ KERUTA_MAX_LOG_VIEW: `${viewBytes}B` });
const k = place.keruta;
const onTerminal = { isTerminal: true };

beforeAll(async () => {
  // makes the session, should the agent not have done so yet
  expect((await k(['run', '-c', 'true', '--quiet'])).status).toBe(0);
}, 60_000);

/** Runs a script that prints so many bytes, `a` to the last but one and a line feed. @returns its task */
async function print(bytes: number): Promise<{ readonly id: string; readonly printed: string }> {
  const { status, out, err } = await k([
    'task',
    'add',
    '-c',
    `head -c ${bytes - 1} /dev/zero | tr '\\0' a; echo`,
  ]);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const id = out.trim();
  const printed = `${'a'.repeat(bytes - 1)}\n`;
  expect(await k(['task', 'logs', '-f', id])).toEqual({ status: 0, out: printed, err: '' });
  return { id, printed };
}

test('a file gets every byte; a terminal gets head and tail, how much is left out, and the way to the rest', async () => {
  const { id, printed } = await print(viewBytes + 1);
  expect(await k(['task', 'logs', id, '--stream', 'stdout'])).toMatchObject({ out: printed, err: '' });
  const shown = await k(['task', 'logs', id, '--stream', 'stdout'], onTerminal);
  const [head, tail] = [printed.slice(0, viewBytes / 2), printed.slice(-viewBytes / 2)];
  expect(shown.out).toBe(`${head}\n[keruta: 1 bytes of stdout are left out here]\n${tail}`);
  expect(shown.err).toContain('keruta: 1 bytes of stdout are left out');
  const [, command = ''] = /(task logs \S+ --stream stdout --all)/.exec(shown.err) ?? [];
  expect(await k(command.split(' '), onTerminal)).toMatchObject({ out: printed, err: '' });
});

test('a terminal that is shown all of a stream at the limit hears nothing of it', async () => {
  const { id, printed } = await print(viewBytes);
  expect(await k(['task', 'logs', id], onTerminal)).toMatchObject({ out: printed, err: '' });
});

test('who follows on a terminal and is too far behind jumps and is told; --all is spared nothing', async () => {
  const { id, printed } = await print(3 * viewBytes);
  const followed = await k(['task', 'logs', '-f', id], onTerminal);
  expect(followed.out.length).toBe(viewBytes);
  expect(followed.err).toContain(`${2 * viewBytes} bytes of stdout are left out`);
  const told = (await k(['task', 'logs', '-f', id, '--json'], onTerminal)).out.trim().split('\n');
  expect(told.map((line) => JSON.parse(line))).toContainEqual({
    type: 'elided',
    taskId: id,
    stream: 'stdout',
    elidedBytes: 2 * viewBytes,
  });
  const all = await k(['task', 'logs', '-f', id, '--all'], onTerminal);
  expect(all.out).toBe(printed);
  expect(all.err).not.toContain('left out');
});
