import { existsSync, readdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../fixtures/free-port.ts';
import { makePlace, until } from './place.ts';

/** Scripts as people write them: with `/.keruta/doc` for artifacts, `python …` for the work, messages in any language. */
const place = makePlace('examples');
const doc = '/.keruta/doc';
/** Only root can make a directory at `/`; others name the one that they were given. */
const artifacts = process.getuid?.() === 0 ? doc : '"$KERUTA_ARTIFACTS_DIR"';
const docWasThere = existsSync(doc);
const filesBefore = docWasThere ? readdirSync(doc) : [];
let port = 0;

const basic = `#!/bin/bash
set -e

keruta start

keruta progress 25 --message "データを読んでいます..."

python process_data.py

keruta progress 75 --message "あと少し..."

mkdir -p ${artifacts}
echo "結果" > ${artifacts}/result.txt

keruta success --message "データの処理が終わりました"
`;

const trap = `#!/bin/bash
set -e

keruta start

trap 'keruta fail --message "予期しない終わり方: $?"' ERR

python risky_operation.py

keruta success
`;

const structured = `#!/bin/bash
keruta start

keruta log INFO "これから始めます"
keruta log DEBUG "設定を読んでいます..."

python main.py

keruta log INFO "終わりました"
keruta success
`;

beforeAll(async () => {
  place.file('bin/python', '#!/bin/sh\nexec /bin/sh "$@"\n', 0o755);
  await place.server();
  port = await freePort();
});
afterAll(async () => {
  const made = existsSync(doc) ? readdirSync(doc).filter((file) => !filesBefore.includes(file)) : [];
  for (const file of made) rmSync(`${doc}/${file}`);
  if (!docWasThere) rmSync('/.keruta', { recursive: true, force: true });
  await place.close();
});

/** The files that the examples call; a task of a session without repository finds them in its directory. */
const programs = {
  'process_data.py': 'echo processing',
  'risky_operation.py': 'echo "it went wrong" >&2; exit 3',
  'main.py': 'echo working',
} as const;

const withPrograms = (script: string): string => {
  const [first, ...rest] = script.split('\n');
  const files = Object.entries(programs).map(([name, text]) => `echo '${text}' > ${name}`);
  return [first, ...files, ...rest].join('\n');
};

test('a script starts the daemon, waits for it, and ends when the session is closed', async () => {
  const id = await place.session('session-123');
  const task = await place.submit(id, 'echo from the daemon');
  const script = place.file(
    'daemon.sh',
    `#!/bin/bash
set -e

export KERUTA_SESSION_ID="session-123"
export KERUTA_WORKSPACE_ID="workspace-456"
export KERUTA_API_URL="${place.env.KERUTA_API_URL}"
export KERUTA_API_TOKEN="${place.env.KERUTA_API_TOKEN}"

keruta daemon --session-id $KERUTA_SESSION_ID --port ${port} &
DAEMON_PID=$!

wait $DAEMON_PID
`,
    0o755,
  );
  const { PATH = '', HOME = '' } = place.env;
  const run = place.start(script, [], { env: { PATH, HOME }, timeoutMs: 30_000 });
  expect(await place.whole(task)).toMatchObject({ status: 'COMPLETED' });
  expect(await place.logs(task)).toBe('from the daemon\n');
  const health = await fetch(`http://127.0.0.1:${port}/health`);
  expect(health.status).toBe(200);
  expect(await place.keruta(['session', 'close', 'session-123'])).toMatchObject({ status: 0 });
  expect(await run.ended).toMatchObject({ status: 0 });
});

describe('beside a daemon', () => {
  const manual = () => `#!/bin/bash
set -e

keruta daemon --port ${port} &
DAEMON_PID=$!

keruta execute "./data-processing-script.sh"

kill $DAEMON_PID
`;

  test('execute runs a script by hand, and the daemon is stopped', async () => {
    await place.session('manual');
    place.file('data-processing-script.sh', '#!/bin/bash\necho processed by hand\n', 0o755);
    const env = { ...place.env, KERUTA_SESSION_ID: 'manual' };
    const run = await place.start(place.file('manual.sh', manual(), 0o755), [], { env }).ended;
    expect(run).toMatchObject({ status: 0, stdout: 'processed by hand\n' });
    await until('the daemon is gone', () => !place.processes().some(({ command }) => /daemon/.test(command)));
  });

  test('execute reports for the task that is named', async () => {
    const id = await place.session('manual of a task');
    const task = await place.submit(id, '', { name: 'by hand' });
    const env = { ...place.env, KERUTA_SESSION_ID: id, KERUTA_TASK_ID: task };
    const run = await place.keruta(['execute', './data-processing-script.sh'], { env });
    expect(run).toMatchObject({ status: 0, stdout: 'processed by hand\n' });
    expect(await place.task(task)).toMatchObject({ status: 'COMPLETED', exitCode: 0, attempt: 1 });
    expect(await place.logs(task)).toBe('processed by hand\n');
  });
});

describe('inside a run', () => {
  let session = '';
  beforeAll(async () => {
    session = await place.session('inside');
    await place.daemon(session);
  });

  test('the basic example reports, leaves its artifact and completes', async () => {
    const id = await place.submit(session, withPrograms(basic));
    const task = await place.whole(id);
    expect(task).toMatchObject({ status: 'COMPLETED', progress: 100, message: 'データの処理が終わりました' });
    expect(await place.logs(id)).toBe('processing\n');
    const files = await place.artifacts(id);
    expect(files.map(({ path, size }) => ({ path, size }))).toEqual([{ path: 'result.txt', size: 7 }]);
  });

  test('the error trap says why it failed', async () => {
    const id = await place.submit(session, withPrograms(trap));
    const task = await place.whole(id);
    expect(task).toMatchObject({ status: 'FAILED', exitCode: 3, message: '予期しない終わり方: 3' });
    expect(await place.logs(id, 'stderr')).toBe('it went wrong\n');
  });

  test('structured lines arrive with their levels and in order', async () => {
    const id = await place.submit(session, withPrograms(structured));
    expect(await place.whole(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await spoken(id)).toEqual([
      'INFO これから始めます',
      'DEBUG 設定を読んでいます...',
      'INFO 終わりました',
    ]);
  });
});

describe('outside of a run, with the variables set by hand', () => {
  let session = '';
  beforeAll(async () => {
    session = await place.session('outside');
    for (const [name, text] of Object.entries(programs)) place.file(name, text);
  });
  const byHand = (script: string, task: string) => {
    const env = {
      ...place.env,
      KERUTA_SESSION_ID: session,
      KERUTA_TASK_ID: task,
      KERUTA_ARTIFACTS_DIR: process.getuid?.() === 0 ? doc : place.path('doc'),
    };
    return place.start(place.file(`${task}.sh`, script, 0o755), [], { env }).ended;
  };

  test('the basic example reports, sends its artifact and completes', async () => {
    rmSync(`${doc}/result.txt`, { force: true });
    const id = await place.submit(session, '', { name: 'by hand' });
    expect(await byHand(basic, id)).toMatchObject({ status: 0, stdout: 'processing\n', stderr: '' });
    const task = await place.task(id);
    expect(task).toMatchObject({ status: 'COMPLETED', progress: 100, message: 'データの処理が終わりました' });
    expect((await place.artifacts(id)).map(({ path, size }) => ({ path, size }))).toEqual([
      { path: 'result.txt', size: 7 },
    ]);
  });

  test('the error trap says why it failed', async () => {
    const id = await place.submit(session, '', { name: 'by hand' });
    expect(await byHand(trap, id)).toMatchObject({ status: 3, stderr: 'it went wrong\n' });
    expect(await place.task(id)).toMatchObject({ status: 'FAILED', message: '予期しない終わり方: 3' });
  });

  test('structured lines arrive with their levels and in order', async () => {
    const id = await place.submit(session, '', { name: 'by hand' });
    expect(await byHand(structured, id)).toMatchObject({ status: 0, stdout: 'working\n', stderr: '' });
    expect(await place.task(id)).toMatchObject({ status: 'COMPLETED' });
    expect(await spoken(id)).toEqual([
      'INFO これから始めます',
      'DEBUG 設定を読んでいます...',
      'INFO 終わりました',
    ]);
  });
});

/** What a task has said by `keruta log`. */
async function spoken(id: string): Promise<string[]> {
  const lines = await place.api<{ level: string; message: string; source: string }[]>(
    'GET',
    `/tasks/${id}/logs`,
  );
  // newest first
  return lines
    .toReversed()
    .filter(({ source }) => !['stdout', 'stderr'].includes(source))
    .map(({ level, message }) => `${level} ${message}`);
}
