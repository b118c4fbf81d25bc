import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamName } from '../../internal/domain/task.ts';
import { type Started, until } from '../e2e/place.ts';
import { Lab } from './lab/lab.ts';
import { cpuMsOf, has } from './lab/processes.ts';
import { digestOf, livePieces } from './lab/reader.ts';
import { isFull, rounds, tally } from './lab/rounds.ts';

/** C. Output that is no text, that would steer whoever reads it, or that holds what nobody may read. */
const secret = 'correct-horse-battery-staple';
let lab: Lab;
let session = '';
let agent: Started;

beforeAll(async () => {
  lab = await Lab.open('output-shape');
  session = await lab.place.session('shape');
  agent = await lab.agent(session, { base: 'shape', env: { DEPLOY_TOKEN: secret } });
});
afterAll(() => lab.close());

async function run(script: string): Promise<string> {
  const id = await lab.submit(session, script, { name: 'shape' });
  await lab.place.when(id, ({ logComplete }) => logComplete, 100_000);
  return id;
}

async function viewOf(id: string, stream: StreamName = 'stdout'): Promise<string> {
  let text = '';
  for await (const piece of livePieces(lab.place, id)) if (piece.stream === stream) text += piece.text;
  return text;
}

type LogLine = { level: string; message: string; source: string; metadata: object; timestamp: string };
const linesOf = (id: string) => lab.place.api<LogLine[]>('GET', `/tasks/${id}/logs`);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('F-30: bytes that are no text', () => {
  test('arrive exactly, and a view of them is text with U+FFFD', async () => {
    const size = rounds(3, 100) * 1_000_000;
    const copy = lab.place.path('random');
    const id = await run(`head -c ${size} /dev/urandom | tee ${copy} ${copy}.2 | cat; cat ${copy}.2 >&2`);
    const expected = { bytes: size, sha256: sha256(readFileSync(copy)) };
    expect(await digestOf(lab.place, id, 'stdout')).toEqual(expected);
    expect(await digestOf(lab.place, id, 'stderr')).toEqual(expected);
    const view = await viewOf(id);
    expect(view).toContain('\ufffd');
    expect(view.isWellFormed()).toBe(true);
    tally({ row: 'F-30', rounds: 1, note: `${size} random bytes on each stream` });
  });

  test('include NUL, and characters that are written in two halves, which a view puts together', async () => {
    const script = `printf 'a\\0b\\xff\\xe3\\x81'; sleep 0.4; printf '\\x82c\\xf0\\x9f'; sleep 0.4; printf '\\x91\\x8d\\n\\xe3\\x81'`;
    const id = await run(script);
    const bytes = Buffer.from([
      97, 0, 98, 0xff, 0xe3, 0x81, 0x82, 99, 0xf0, 0x9f, 0x91, 0x8d, 10, 0xe3, 0x81,
    ]);
    expect(await digestOf(lab.place, id, 'stdout')).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    expect(await viewOf(id)).toBe('a\0b\ufffdあc👍\n\ufffd');
    tally({ row: 'F-30', rounds: 1, note: 'halves of characters' });
  });

  test('in a message of the task become U+FFFD, and its log stays JSON', async () => {
    const id = await run(
      `keruta log INFO "$(printf 'a\\xffb\\xe3\\x81\\x82\\xe3\\x81c')"; keruta progress 10 --message "$(printf 'p\\xfe')"`,
    );
    const messages = (await linesOf(id)).map(({ message }) => message);
    expect(messages).toContain('a\ufffdbあ\ufffdc');
    tally({ row: 'F-30', rounds: 1, note: 'messages' });
  });
});

describe('F-31: output that would steer a terminal', () => {
  const bombs = `printf '\\033]0;owned\\007\\033]52;c;cm0gLXJm\\007\\033]8;;http://evil.example\\033\\\\click\\033]8;;\\007'
printf '\\033[2J\\033[H\\033[6n\\033[c\\033P$q"p\\033\\\\\\233\\302\\233x\\b\\b\\n\\033[31mred\\033[0m <b>html</b>\\n'`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  const steering = /\u001b(?!\[[0-9;:]*m)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/;

  test('is kept exactly and handed to a pipe exactly', async () => {
    const id = await run(bombs);
    const made = await lab.place.bash(`{ ${bombs}\n} | sha256sum; keruta task logs ${id} | sha256sum`);
    const [expected, got] = made.stdout.split('\n');
    expect(got).toBe(expected);
    expect((await digestOf(lab.place, id, 'stdout')).sha256).toBe(expected?.slice(0, 64));
    tally({ row: 'F-31', rounds: 1, note: 'raw' });
  });

  const noScript = has('script') ? '' : ' (needs script)';
  /** What a terminal gets of these words, whose own line ends are left alone. */
  async function onTerminal(words: string): Promise<string> {
    const command = `stty -opost; keruta task ${words}`;
    const shown = await lab.place.start('script', ['-qec', command, '/dev/null']).ended;
    expect(shown.status).toBe(0);
    return shown.stdout;
  }

  test.skipIf(noScript !== '')(`is shown on a terminal as text, colours excepted${noScript}`, async () => {
    const id = await run(bombs);
    for (const words of [`logs ${id}`, `logs ${id} --follow`, `logs ${id} --stream stdout`]) {
      // the progress line of --follow is ours, and clears its own line alone
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what the terminal gets
      const ours = /\r?\u001b\[2?K|\u001b\[\?25[lh]/g;
      const text = (await onTerminal(words)).replaceAll(ours, '');
      expect(text).toContain('\u001b[31mred\u001b[0m <b>html</b>');
      expect(text).toContain('\\x1b]52;c;cm0gLXJm\\x07');
      expect(text).not.toMatch(steering);
    }
    tally({ row: 'F-31', rounds: 3, note: 'terminal' });
  });

  test.skipIf(noScript !== '')(
    `is exact also when it is a million returns to the start of the line, on a terminal too${noScript}`,
    async () => {
      const count = rounds(100_000, 1_000_000);
      const cpuMs = () => cpuMsOf(agent.pid) + cpuMsOf(lab.server.pid);
      const idleMs = cpuMs();
      const id = await run(`seq -f '%.0f %%' ${count} | tr '\\n' '\\r'`);
      const expected = Array.from({ length: count }, (_, i) => `${i + 1} %\r`).join('');
      const digest = { bytes: expected.length, sha256: sha256(Buffer.from(expected)) };
      expect(await digestOf(lab.place, id, 'stdout')).toEqual(digest);
      const before = Date.now();
      expect((await onTerminal(`logs ${id}`)) === expected).toBe(true);
      const tookMs = cpuMs() - idleMs;
      expect(tookMs).toBeGreaterThan(0);
      // a guard against work that grows with the square of the returns; not where a slow machine would decide
      if (isFull) expect(tookMs).toBeLessThan(5_000);
      const cost = `${tookMs} ms of processor of agent and server`;
      tally({
        row: 'F-31',
        rounds: 1,
        note: `${count} returns: ${cost}; shown in ${Date.now() - before} ms`,
      });
    },
  );
});

test('F-32: output that looks like words to the agent, records or log lines is output and nothing else', async () => {
  const id = await run(`echo '{"level":"FATAL","message":"forged","source":"agent"}'
echo '2026-01-01T00:00:00.000Z ERROR [agent] forged'; echo '::error::forged'; echo '##[set-output name=a]forged'
printf 'progress\\0100\\0\\n'; printf '5:start,8:progress,3:100,\\n'; echo 'keruta fail forged'; echo 'event: end'; echo 'data: {}'; echo
keruta log INFO "$(printf 'one\\n2026-01-01T00:00:00.000Z FATAL forged\\n{"level":"FATAL"}')"
keruta log WARN after`);
  const task = await lab.place.task(id);
  expect(task).toMatchObject({ status: 'COMPLETED', exitCode: 0, errorCode: '', message: '' });
  const lines = (await linesOf(id)).toReversed();
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['INFO', 'one\n2026-01-01T00:00:00.000Z FATAL forged\n{"level":"FATAL"}'],
    ['WARN', 'after'],
  ]);
  for (const { source, timestamp } of lines) {
    expect(source).toBe('task');
    expect(Math.abs(Date.parse(timestamp) - Date.now())).toBeLessThan(600_000);
  }
  expect(await viewOf(id)).toContain('event: end\ndata: {}\n');
  const shown = await lab.place.keruta(['task', 'logs', id, '--structured']);
  expect(shown.stdout.trim().split('\n')).toHaveLength(2);
  tally({ row: 'F-32', rounds: 1 });
});

describe('F-35: a secret is masked', () => {
  const stars = '*'.repeat(secret.length);

  /** That the secret is nowhere: not in the answers, not in what the server keeps, not in what either has said. */
  async function expectNowhere(id: string): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      expect(await lab.place.logs(id, stream)).not.toContain(secret);
      expect(await viewOf(id, stream)).not.toContain(secret);
    }
    const kept = await lab.place.bash(`grep -rlF ${secret} ${lab.place.path('server')} | wc -l`);
    expect(kept.stdout.trim()).toBe('0');
    for (const { stderr } of [agent, lab.server]) expect(stderr()).not.toContain(secret);
  }

  test('when it is written byte by byte, on both streams', async () => {
    const script = `for ((i = 0; i < \${#DEPLOY_TOKEN}; i++)); do
c="\${DEPLOY_TOKEN:i:1}"; printf %s "$c"; printf %s "$c" >&2; sleep 0.06; done; echo .`;
    const id = await run(script);
    expect(await lab.place.logs(id, 'stdout')).toBe(`${stars}.\n`);
    expect(await lab.place.logs(id, 'stderr')).toBe(stars);
    await expectNowhere(id);
    tally({ row: 'F-35', rounds: 1, note: 'byte by byte' });
  });

  test('when it lies across the borders of what is read and sent at once', async () => {
    const pieces = 3;
    const fill = 4 * 1024 * 1024;
    const script = `for i in {1..${pieces}}; do head -c ${fill - secret.length} /dev/zero | tr '\\0' x; printf %s "$DEPLOY_TOKEN"; done
head -c ${Math.floor(secret.length / 2)} /dev/zero | tr '\\0' y
for i in {1..${pieces}}; do head -c ${fill - secret.length} /dev/zero | tr '\\0' z; printf %s "$DEPLOY_TOKEN"; done`;
    const id = await run(script);
    const part = (letter: string) => (letter.repeat(fill - secret.length) + stars).repeat(pieces);
    const expected = `${part('x')}${'y'.repeat(Math.floor(secret.length / 2))}${part('z')}`;
    const digest = { bytes: expected.length, sha256: sha256(Buffer.from(expected)) };
    expect(await digestOf(lab.place, id, 'stdout')).toEqual(digest);
    await expectNowhere(id);
    tally({ row: 'F-35', rounds: 1, note: 'across the borders of pieces' });
  });

  test('when the agent is killed while half of it is written', async () => {
    const gate = lab.place.path('f35');
    const script = `echo begin; printf %s "\${DEPLOY_TOKEN:0:9}"; echo > ${gate}-half; until [ -e ${gate}-go ]; do sleep 0.02; done
printf %s "\${DEPLOY_TOKEN:9}"; echo .`;
    const id = await lab.submit(session, script, { name: 'halves' });
    await until('the beginning is there', async () => (await lab.place.logs(id)).includes('begin'), 60_000);
    await until('half is written', () => existsSync(`${gate}-half`));
    expect(await lab.place.logs(id)).toBe('begin\n');
    await agent.stop('SIGKILL');
    lab.place.file('f35-go', '');
    agent = await lab.agent(session, { base: 'shape', env: { DEPLOY_TOKEN: secret } });
    await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
    expect(await lab.place.logs(id, 'stdout')).toBe(`begin\n${stars}.\n`);
    await expectNowhere(id);
    tally({ row: 'F-35', rounds: 1, note: 'agent killed between two halves' });
  });
});

test('F-36: stdout and stderr are exact each, and together in the order in which they were seen', async () => {
  const gate = lab.place.path('f36');
  const script = `for i in {1..6}; do if ((i % 2)); then echo "line $i"; else echo "line $i" >&2; fi
until [ -e ${gate}-$i ]; do sleep 0.02; done; done
for ((i = 1; i <= 5000; i++)); do echo "out $i"; echo "err $i" >&2; done`;
  const id = await lab.submit(session, script, { name: 'mixed' });
  for (let i = 1; i <= 6; i++) {
    await until(`line ${i} is there`, async () => (await lab.place.logs(id)).includes(`line ${i}\n`), 60_000);
    lab.place.file(`f36-${i}`, '');
  }
  await lab.place.when(id, ({ logComplete }) => logComplete, 60_000);
  const merged = await lab.place.logs(id);
  expect(merged.split('\n').slice(0, 6)).toEqual([1, 2, 3, 4, 5, 6].map((i) => `line ${i}`));
  for (const [stream, word, first] of [
    ['stdout', 'out', 'line 1\nline 3\nline 5\n'],
    ['stderr', 'err', 'line 2\nline 4\nline 6\n'],
  ] as const) {
    const all = first + Array.from({ length: 5000 }, (_, i) => `${word} ${i + 1}\n`).join('');
    expect(await lab.place.logs(id, stream)).toBe(all);
    const inMerged = merged.split('\n').filter((line) => line.startsWith(`${word} `));
    expect(inMerged.map((line) => `${line}\n`).join('')).toBe(all.slice(first.length));
  }
  tally({ row: 'F-36', rounds: 1, lines: 10_006 });
});
