import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { isAlive } from '../../../pkg/process/proc.ts';
import { agentParts, Place } from './agent-under-test.ts';
import type { FakeAttempt } from './fake-source.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const textOf = (attempt: FakeAttempt, stream: 'stdout' | 'stderr' = 'stdout') =>
  Buffer.concat(attempt.streams[stream]).toString();

/** A line of shell that does what an in-run command does. */
function say(...words: string[]): string {
  const bytes = Buffer.from(encodeMailboxRecord(words));
  const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `printf '${octal}' >> "$KERUTA_RUN_DIR/mailbox"`;
}

async function run(script: string, more: Parameters<typeof place.source.add>[1] = {}, options = {}) {
  const task = place.source.add(script, more);
  await place.once(options);
  return place.source.attemptOf(task);
}

describe('a task', () => {
  test('that says nothing costs one claim and one report', async () => {
    const at = performance.now();
    const attempt = await run('true');
    const isQuick = performance.now() - at < 1_000;
    expect(attempt.report).toMatchObject({ exitCode: 0, signal: null, reason: null, declared: null });
    // from its first second on a claim is renewed, and an end told ahead
    const calls = place.source.calls.filter((call) => isQuick || !['renew', 'exited'].includes(call));
    expect(calls).toEqual(['claimNext', 'finish']);
  });

  test('delivers both streams and its exit code, exactly', async () => {
    const attempt = await run('printf "a\\0b\\n"; echo err >&2; exit 3');
    expect(textOf(attempt)).toBe('a\0b\n');
    expect(textOf(attempt, 'stderr')).toBe('err\n');
    expect(attempt.report).toMatchObject({
      exitCode: 3,
      errorCode: 'SCRIPT_EXECUTION_ERROR',
      streams: { stdout: { size: 4 } },
    });
    expect(attempt.report?.usage?.durationMs).toBeGreaterThanOrEqual(0);
  });

  test('leaves a receipt and nothing else in its run directory', async () => {
    await run('echo hello');
    const runs = join(place.root, 'base', 'runs');
    const [name = ''] = readdirSync(runs);
    expect(readdirSync(join(runs, name))).toEqual(['receipt.json']);
    expect(JSON.parse(readFileSync(join(runs, name, 'receipt.json'), 'utf8'))).toMatchObject({
      state: 'reported',
      status: 'COMPLETED',
      streams: { stdout: { size: 6 } },
    });
  });

  test('shows no secret in output, messages or report', async () => {
    const attempt = await run(
      [
        'printf "tok=krt_tsk_"; sleep 0.1; echo verysecret; echo "$MY_SECRET"; echo krt_ses_agentsown',
        say('fail', '--message', 'it was hunter2hunter2'),
      ].join('\n'),
    );
    const [token, secret, agents] = ['krt_tsk_verysecret', 'hunter2hunter2', 'krt_ses_agentsown'];
    const stars = (text: string) => '*'.repeat(text.length);
    expect(textOf(attempt)).toBe(`tok=${stars(token)}\n${stars(secret)}\n${stars(agents)}\n`);
    expect(JSON.stringify([attempt.messages, attempt.report])).not.toContain(secret);
  });

  test('whose agent died just before its script started is started by the next one, as the same attempt', async () => {
    const root = join(place.root, 'next');
    const task = place.source.add('echo ran >> "$HOME/ledger"; echo x');
    const { executor } = agentParts(place.options());
    const start = () => {
      // what a kill -9 would leave at this instant
      cpSync(place.options().baseDirectory, root, { recursive: true });
      throw new Error('the rest of this agent does not count');
    };
    await place.once({}, { executor: Object.assign(executor, { start }) });
    await place.once({ baseDirectory: root });
    const attempt = place.source.attemptOf(task);
    expect(attempt.report).toMatchObject({ exitCode: 0, reason: null });
    expect(textOf(attempt)).toBe('x\n');
    expect(readFileSync(join(place.root, 'ledger'), 'utf8')).toBe('ran\n');
    expect(place.source.attempts).toHaveLength(1);
  });

  test('finds the environment contract and its parameters', async () => {
    const attempt = await run(
      'echo "$KERUTA_TASK_NAME $KERUTA_ATTEMPT $KERUTA_PARAM_WHO"; cat "$KERUTA_PARAMETERS_FILE"; cd "$KERUTA_WORKING_DIR"; test -d "$KERUTA_ARTIFACTS_DIR"',
      { name: 'contract', parameters: { who: 'me' } },
    );
    expect(textOf(attempt)).toBe('contract 1 me\n{"who":"me"}');
    expect(attempt.report?.exitCode).toBe(0);
  });

  test('finds what fired it in a file of its own, and nothing of it in its script', async () => {
    const marker = join(place.root, 'marker');
    const text = `$(touch ${marker}) \`touch ${marker}\`\n'; touch ${marker} #`;
    place.source.environment = { KERUTA_TRIGGER: 'hook', KERUTA_WORKFLOW: 'w', KERUTA_EVENT_KIND: 'push' };
    place.source.event = { kind: 'push', data: { body: { text } } };
    place.source.fault = (method) =>
      method === 'event' && place.source.calls.filter((call) => call === 'event').length < 3 ? 'after' : null;
    const attempt = await run(
      'echo "$KERUTA_WORKFLOW $KERUTA_TRIGGER $KERUTA_EVENT_KIND"; stat -c %a "$KERUTA_EVENT_FILE"; cat "$KERUTA_EVENT_FILE"',
    );
    const [variables, mode, ...rest] = textOf(attempt).split('\n');
    expect([variables, mode]).toEqual(['w hook push', '600']);
    expect(JSON.parse(rest.join('\n'))).toEqual(place.source.event);
    expect(existsSync(marker)).toBe(false);
  });

  test('that no trigger fired has no such file, and its server is not asked for one', async () => {
    expect(textOf(await run('env | grep -c ^KERUTA_EVENT_FILE'))).toBe('0\n');
    place.source.environment = { KERUTA_TRIGGER: 'cron' };
    expect(textOf(await run('env | grep -c ^KERUTA_EVENT_FILE'))).toBe('0\n');
    expect(place.source.calls.filter((call) => call === 'event')).toHaveLength(1);
  });

  test('speaks through its mailbox, in order', async () => {
    const attempt = await run(
      [
        say('start', '--message', 'go'),
        say('progress', '50'),
        say('nonsense'),
        say('log', 'WARN', 'careful'),
      ].join('\n'),
    );
    expect(attempt.messages).toMatchObject([
      { kind: 'started', message: 'go' },
      { kind: 'progress', progress: 50 },
      { kind: 'log', level: 'WARN', message: 'careful' },
    ]);
    expect(attempt.report?.controlSeq).toBe(attempt.messages.at(-1)?.seq);
  });

  test('that declares a failure has failed, whatever it says and does later', async () => {
    const attempt = await run(
      [say('fail', '--message', 'no', '--error-code', 'E1'), say('success'), 'exit 0'].join('\n'),
    );
    expect(attempt.report).toMatchObject({
      exitCode: 0,
      errorCode: 'E1',
      declared: { status: 'FAILED', message: 'no' },
    });
  });

  test('that asks for a time before its next run has its server told', async () => {
    const attempt = await run(say('fail', '--retry-after', '90'));
    expect(attempt.messages).toMatchObject([{ kind: 'declared', status: 'FAILED', retryAfterMs: 90_000 }]);
  });

  test('leaves artifacts, also when it fails; what is skipped is said in its log', async () => {
    const attempt = await run(
      [
        'mkdir -p "$KERUTA_ARTIFACTS_DIR/sub"',
        'echo one > "$KERUTA_ARTIFACTS_DIR/sub/a.txt"',
        'ln -s /etc/passwd "$KERUTA_ARTIFACTS_DIR/link"',
        'mkdir "$KERUTA_RUN_DIR/added"; echo two > "$KERUTA_RUN_DIR/added/b"',
        say('artifact', 'add', 'added/b', '--name', 'deep/b.txt', '--description', 'mine'),
        'exit 1',
      ].join('\n'),
    );
    expect(attempt.artifacts.map(({ path, description }) => [path, description])).toEqual(
      expect.arrayContaining([
        ['sub/a.txt', 'テキストファイル'],
        ['deep/b.txt', 'mine'],
      ]),
    );
    expect(attempt.report?.artifacts).toHaveLength(2);
    expect(attempt.messages).toMatchObject([
      { kind: 'log', level: 'WARN', message: expect.stringContaining('link') },
    ]);
  });

  test('leaves artifacts in a further directory, also when the script makes that itself', async () => {
    const extra = join(place.root, 'further', 'doc');
    const script = `mkdir -p ${extra}; echo one > ${extra}/a.txt; echo two > "$KERUTA_ARTIFACTS_DIR/b.txt"`;
    const artifacts = { directory: null, extraDirectories: [extra], maxFileBytes: 1024 };
    const attempt = await run(script, {}, { artifacts });
    expect(attempt.artifacts.map(({ path }) => path).sort()).toEqual(['a.txt', 'b.txt']);
  });

  test('that times out is ended and says so', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    place.source.add('trap "" TERM; echo before; sleep 600', { timeoutSeconds: 100 });
    const { exit } = place.start({ once: true }, { clock });
    const attempt = await place.source.until(() =>
      place.source.attempts.find(({ streams }) => streams.stdout.length > 0),
    );
    aheadMs = 100_000;
    await exit;
    expect(attempt.report).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' });
    expect(textOf(attempt)).toBe('before\n');
  });

  test('that is silent for too long is ended', async () => {
    const attempt = await run('echo a; sleep 60', { noOutputTimeoutSeconds: 0.3 });
    expect(attempt.report).toMatchObject({ reason: 'no_output_timeout' });
  });

  test('that is cancelled is ended, and what it wrote is kept', async () => {
    const task = place.source.add('echo started; sleep 60');
    const { exit } = place.start({ once: true });
    const attempt = await place.source.until(() =>
      place.source.attempts.find((one) => one.task.id === task.id && one.streams.stdout.length > 0),
    );
    attempt.cancel = true;
    place.source.changed();
    await exit;
    expect(attempt.report).toMatchObject({ reason: 'cancel', signal: 'SIGTERM' });
    expect(textOf(attempt)).toBe('started\n');
  });

  test('whose attempt is superseded is stopped and not reported', async () => {
    const task = place.source.add('echo started; sleep 60');
    const { exit } = place.start({ once: true });
    const attempt = await place.source.until(() =>
      place.source.attempts.find((one) => one.task.id === task.id && one.streams.stdout.length > 0),
    );
    attempt.superseded = true;
    place.source.changed();
    expect(await exit).toMatchObject({ why: 'once' });
    expect(attempt.report).toBeNull();
    expect(place.source.calls).not.toContain('finish');
  });

  test('ends with its script, not with what the script left behind', async () => {
    const attempt = await run('sleep 60 & echo $! ; exit 0');
    expect(attempt.report).toMatchObject({ exitCode: 0, reason: null });
    expect(isAlive({ pid: Number(textOf(attempt)), startTicks: null })).toBe(false);
    expect(attempt.messages).toMatchObject([
      { kind: 'log', message: expect.stringContaining('left 1 process') },
    ]);
  });

  test('without a script that can run is a failure with the reason', async () => {
    const attempt = await run('#!/no/such/interpreter\n');
    expect(attempt.report).toMatchObject({
      reason: 'refused',
      errorCode: 'KERUTA_ERR_INTERPRETER_MISSING',
      exitCode: null,
    });
  });

  test('of a repository that is not there is a failure of the checkout', async () => {
    place.source.session = { ...place.source.session, repositoryUrl: `file://${place.root}/nowhere.git` };
    const attempt = await run('true');
    expect(attempt.report).toMatchObject({ reason: 'checkout', exitCode: null });
    expect(attempt.report?.errorCode).toMatch(/^KERUTA_ERR_(GIT|REPOSITORY_UNREACHABLE)$/);
  });

  test.each([
    ['its session', 1, 600_000],
    ['the agent, when its session says none', null, 1_000],
  ])(
    'whose repository never answers ends at the limit of %s',
    async (_who, gitTimeoutSeconds, gitTimeoutMs) => {
      const sink = createServer(() => {}).listen(0, '127.0.0.1');
      await once(sink, 'listening');
      const { port } = sink.address() as AddressInfo;
      const repositoryUrl = `https://127.0.0.1:${port}/app.git`;
      place.source.session = { ...place.source.session, repositoryUrl, gitTimeoutSeconds };
      const attempt = await run('true', {}, { gitTimeoutMs });
      sink.close();
      expect(attempt.report).toMatchObject({
        ...{ reason: 'checkout', errorCode: 'KERUTA_ERR_REPOSITORY_UNREACHABLE' },
        message: expect.stringContaining('did not end within 1 s'),
      });
    },
  );

  test('of a repository that the agent may not touch is refused before anything runs', async () => {
    place.source.session = { ...place.source.session, repositoryUrl: 'https://evil.example/team-two/x.git' };
    const attempt = await run('true', {}, { allowedRepositories: ['https://evil.example/team'] });
    expect(attempt.report).toMatchObject({ errorCode: 'KERUTA_ERR_POLICY' });
  });

  test('that fails asks for a fix, with what is known about the failure', async () => {
    const attempt = await run(
      'echo oops >&2\nfalse\nexit 4',
      {},
      { autoFix: { enabled: true, command: 'fix it' } },
    );
    expect(attempt.report?.fix).toMatchObject({
      script: 'fix it',
      bundle: { exitCode: 4, stderrTail: ['oops'] },
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('that is blocked on its stdin asks with its prompt, and gets the answer once', async () => {
    const task = place.source.add(
      'printf "Name? "; until [ -s "$KERUTA_RUN_DIR/stdout" ]; do sleep 0.02; done; read name; echo "hello $name"',
      { input: 'wait' },
    );
    const { exit } = place.start({ once: true });
    const ask = await place.source.until(() =>
      place.source.attempts[0]?.messages.find((message) => message.kind === 'ask'),
    );
    expect(ask).toMatchObject({ how: 'stdin', prompt: 'Name?' });
    const attempt = place.source.attemptOf(task);
    attempt.inputs.push({ id: 'i1', key: ask.kind === 'ask' ? ask.key : '', answer: 'Ada' });
    place.source.changed();
    await exit;
    expect(textOf(attempt)).toBe('Name? hello Ada\n');
  });

  test('that asks for a secret does not show the answer from then on', async () => {
    const script = [
      'echo correct-horse',
      say('ask', 'Password?', '--key', 'k1', '--secret'),
      'while ! test -f "$KERUTA_RUN_DIR/answers/k1.json"; do sleep 0.02; done',
      'cat "$KERUTA_RUN_DIR/answers/k1.json"; echo correct-horse >&2',
    ].join('\n');
    const task = place.source.add(script);
    const { exit } = place.start({ once: true });
    await place.source.until(() =>
      place.source.attempts[0]?.messages.find((message) => message.kind === 'ask'),
    );
    const attempt = place.source.attemptOf(task);
    // what is sent after the answer is masked, wherever it stands
    await place.source.until(() => textOf(attempt) === 'correct-horse\n');
    attempt.inputs.push({ id: 'i1', key: 'k1', answer: 'correct-horse' });
    place.source.changed();
    await exit;
    expect(textOf(attempt)).toBe('correct-horse\n{"answer":"*************"}');
    expect(textOf(attempt, 'stderr')).toBe('*************\n');
  });

  test('that asks finds the answer in its run directory', async () => {
    const script = [
      say('ask', 'Which?', '--key', 'k1'),
      'while ! test -f "$KERUTA_RUN_DIR/answers/k1.json"; do sleep 0.02; done',
      'cat "$KERUTA_RUN_DIR/answers/k1.json"',
    ].join('\n');
    const task = place.source.add(script);
    const { exit } = place.start({ once: true });
    await place.source.until(() =>
      place.source.attempts[0]?.messages.find((message) => message.kind === 'ask'),
    );
    const attempt = place.source.attemptOf(task);
    attempt.inputs.push({ id: 'i1', key: 'k1', answer: 'this' });
    place.source.changed();
    await exit;
    expect(textOf(attempt)).toBe('{"answer":"this"}');
  });
});
