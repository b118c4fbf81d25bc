import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TaskWire } from '../../internal/api/shapes.ts';
import { makePlace, pause, type RunningServer, type Started, until } from './place.ts';

/** Nothing is lost and nothing is run twice when agent, server or both die in the middle of a run. */
const place = makePlace('kill');
let server: RunningServer;

beforeAll(async () => {
  server = await place.server();
});
afterAll(() => place.close());

const lines = 2000;
/** A ledger on both streams; takes about a second, and ends with 7. It counts its own starts. */
const ledger = (starts: string) => `echo start >> ${starts}
for i in $(seq 1 ${lines}); do
  echo "out $i"; echo "err $i" >&2
  case $i in *00) sleep 0.04 ;; esac
done
exit 7`;
const all = (word: string) => Array.from({ length: lines }, (_, n) => `${word} ${n + 1}\n`).join('');

interface Scene {
  readonly id: string;
  readonly session: string;
  readonly starts: string;
  readonly args: readonly string[];
  readonly daemon: Started;
}

/** A session of its own with an agent of its own, and the ledger just begun. */
async function begin(name: string): Promise<Scene> {
  const session = await place.session(name);
  const args = ['--base-dir', place.path(session)];
  const daemon = await place.daemon(session, args);
  const starts = place.path(`starts-${session}`);
  const id = await place.submit(session, ledger(starts));
  return { id, session, starts, args, daemon };
}

async function expectWhole({ id, starts }: Scene): Promise<TaskWire> {
  // the end is told before the last bytes are there, when those have to wait for the server
  const task = await place.when(id, ({ logComplete }) => logComplete === true, 60_000);
  expect(task).toMatchObject({ status: 'FAILED', exitCode: 7, attempt: 1, reason: null });
  expect((await place.logs(id, 'stdout')) === all('out')).toBe(true);
  expect((await place.logs(id, 'stderr')) === all('err')).toBe(true);
  const count = await place.bash(`cat ${starts}`);
  expect(count.stdout).toBe('start\n');
  return task;
}

describe.concurrent('an agent is killed and started again', () => {
  test.each([
    ['as soon as the task is its own', 0],
    ['in the first half of the run', 350],
    ['in the second half of the run', 800],
    ['about when the script ends', 1150],
  ])('%s: every line and the exit code arrive, in one attempt', async (_when, afterMs) => {
    const scene = await begin(`agent ${afterMs}`);
    await place.when(scene.id, ({ status }) => status !== 'PENDING');
    await pause(afterMs);
    expect(await scene.daemon.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    await place.daemon(scene.session, scene.args);
    await expectWhole(scene);
  });

  test('again and again: it is the same', async () => {
    const scene = await begin('agent again');
    let daemon = scene.daemon;
    await place.when(scene.id, ({ status }) => status !== 'PENDING');
    for (let round = 0; round < 3; round++) {
      await pause(100);
      await daemon.stop('SIGKILL');
      daemon = await place.daemon(scene.session, scene.args);
    }
    await expectWhole(scene);
  });
});

describe('the server is killed and started again', () => {
  const killServer = async () => {
    await server.stop('SIGKILL');
    await pause(300);
    server = await place.server([], { port: server.port });
  };

  test('in the middle of a run: the agent goes on by itself', async () => {
    const scene = await begin('server');
    await until('lines arrive', async () => (await place.logs(scene.id)).length > 2000);
    await killServer();
    await expectWhole(scene);
    await scene.daemon.stop();
  });

  test('together with the agent: the next ones bring the run to its end', async () => {
    const scene = await begin('both');
    await until('lines arrive', async () => (await place.logs(scene.id)).length > 2000);
    await Promise.all([scene.daemon.stop('SIGKILL'), killServer()]);
    await place.daemon(scene.session, scene.args);
    await expectWhole(scene);
  });
});
