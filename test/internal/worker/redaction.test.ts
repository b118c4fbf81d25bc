import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeMailboxRecord } from '../../../internal/domain/mailbox.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { makeStreamLog } from '../../../pkg/log/stream-log.ts';
import { formsOf } from '../../../pkg/redact/forms.ts';
import { Place } from './agent-under-test.ts';
import type { FakeAttempt } from './fake-source.ts';

let place: Place;
let lines: string[];
beforeEach(() => {
  place = new Place();
  lines = [];
});
afterEach(() => place.remove());

const secret = `fi"rst/line $1\nsecond <é> 'line'`;
const forms = formsOf(secret).map((form) => Buffer.from(form).toString());
/** The secret in all its forms, which may stand next to each other. */
const everything = [secret, ...forms].join(' | ');
/** Those that a file may be called by. */
const names = forms.filter((form) => /^[^\n\r/]{1,180}$/.test(form) && !form.startsWith('-'));

const log = () =>
  makeStreamLog({
    clock: systemClock,
    write: (line) => void lines.push(line),
    level: 'debug',
    format: 'json',
  });

/** Bytes as a shell's printf takes them: nothing that a script holds of this is a form of the secret. */
function printf(text: string | Uint8Array): string {
  const octal = [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `printf '${octal}'`;
}

/** What an in-run command does. */
const say = (...words: string[]) => `${printf(encodeMailboxRecord(words))} >> "$KERUTA_RUN_DIR/mailbox"`;

/** Every text in a value, names of fields included. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Buffer.isBuffer(value)) yield value.toString();
  else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      yield name;
      yield* textsIn(item);
    }
  }
}

/** Which forms of the secret are left in what came out. */
function leaks(...values: readonly unknown[]): readonly string[] {
  const texts = [...textsIn(values)];
  return forms.filter((form) => texts.some((text) => text.includes(form)));
}

/** All that the server got to know of an attempt beyond what it had sent itself. */
function received({ streams, messages, artifacts, exited, report }: FakeAttempt): unknown {
  const output = [Buffer.concat(streams.stdout), Buffer.concat(streams.stderr)];
  return [
    output,
    messages,
    artifacts.map(({ path, description }) => ({ path, description })),
    exited,
    report,
  ];
}

async function status(): Promise<unknown> {
  const file = join(place.root, 'base', 'agent.json');
  const { port, localTokenFile } = JSON.parse(readFileSync(file, 'utf8')) as {
    port: number;
    localTokenFile: string;
  };
  const headers = { authorization: `Bearer ${readFileSync(localTokenFile, 'utf8')}` };
  const answers = ['/status', '/health', '/metrics'].map(async (path) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text(),
  );
  return Promise.all(answers);
}

const environment = () => ({
  PATH: process.env.PATH,
  HOME: place.root,
  DEPLOY_TOKEN: secret,
  MY_PIN_SECRET: 'abc',
});

/** Runs a script that puts the secret everywhere. @returns the forms that are left, by place */
async function putEverywhere(
  env: Record<string, string | undefined>,
): Promise<Record<string, readonly string[]>> {
  const work = join(place.root, 'clone');
  mkdirSync(work);
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  const script = [
    `${printf(everything)}; ${printf(everything)} >&2`,
    say('start', '--message', everything),
    say('progress', '40', '--message', everything),
    say('log', 'WARN', everything),
    say(everything, 'no such command'),
    say('ask', everything, '--key', 'one', '--timeout', '1', '--choices', `yes,${names.join(',')}`),
    say('artifact', 'add', '/nowhere/else', '--name', everything, '--description', everything),
    'mkdir "$KERUTA_RUN_DIR/added"; echo x > "$KERUTA_RUN_DIR/added/copy"',
    say('artifact', 'add', 'added/copy', '--name', 'copy', '--description', everything),
    ...names.map(
      (name, index) =>
        `name=$(${printf(name)}); echo ${index} > "$KERUTA_ARTIFACTS_DIR/$name.txt"; : > "$name"`,
    ),
    'for form in "$KERUTA_ARTIFACTS_DIR"/*; do ln -s x "$form.link"; done',
    'read -r line; echo "$line"',
    say('fail', '--message', everything, '--error-code', everything),
    `${printf(`script: line 1: ${everything}\n`)} >&2; exit 3`,
  ].join('\n');
  const task = place.source.add(script, { name: `deploy ${everything}`, autoFix: true, input: 'wait' });
  const localApi = { host: '127.0.0.1', port: 0, allowRemote: false, acceptInput: false };
  const { exit } = place.start(
    { once: true, environment: env, workingDirectory: work, localApi },
    { log: log() },
  );
  const attempt = await place.source.until(() => place.source.attempts[0]);
  const question = await place.source.until(() =>
    attempt.messages.find((message) => message.kind === 'ask' && message.how === 'stdin'),
  );
  const local = await status();
  attempt.inputs.push({ id: 'i', key: (question as { key: string }).key, answer: 'on' });
  place.source.changed();
  await exit;

  expect(attempt).toBe(place.source.attemptOf(task));
  const { messages, artifacts, report } = attempt;
  expect(report?.fix?.bundle).toMatchObject({ exitCode: 3, git: { branch: 'refs/heads/main' } });
  expect(new Set(artifacts.map(({ path }) => path)).size).toBe(names.length + 1);
  const said = (kind: string) => leaks(messages.filter((message) => message.kind === kind));
  return {
    stdout: leaks([Buffer.concat(attempt.streams.stdout)]),
    stderr: leaks([Buffer.concat(attempt.streams.stderr)]),
    started: said('started'),
    progress: said('progress'),
    log: said('log'),
    ask: said('ask'),
    declared: said('declared'),
    'artifact names': leaks(artifacts.map(({ path }) => path)),
    'artifact descriptions': leaks(artifacts.map(({ description }) => description)),
    report: leaks({ ...report, fix: null }),
    'failure bundle': leaks(report?.fix),
    'status, health and metrics': leaks(local),
    "the agent's log": leaks(
      lines,
      lines.map((line) => JSON.parse(line)),
    ),
    'all that the server received': leaks(received(attempt)),
  };
}

describe('G-21: a secret', () => {
  test('is in nothing that leaves the agent, nor in its log, wherever a script puts it', async () => {
    const found = await putEverywhere(environment());
    expect(Object.values(found).flat()).toEqual([]);
  });

  test('would be in all those places, were it not known', async () => {
    const { PATH, HOME } = environment();
    for (const [where, left] of Object.entries(await putEverywhere({ PATH, HOME }))) {
      expect(left.length, where).toBeGreaterThan(0);
    }
  });

  test('in the address of a repository is in no message, whatever git says', async () => {
    const bin = join(place.root, 'git-bin');
    mkdirSync(bin);
    const password = 'p@ss/w0rd-of-git';
    writeFileSync(
      join(bin, 'git'),
      '#!/bin/sh\ncase "$*" in *--version*) echo git version 2.50.1; exit ;; esac\n' +
        'printf "fatal: no: %s %s\\n" "$GIT_ANSWER_PASSWORD" "$(printf %s "$GIT_ANSWER_PASSWORD" | base64)" >&2; exit 128\n',
    );
    chmodSync(join(bin, 'git'), 0o755);
    place.source.session = {
      ...place.source.session,
      repositoryUrl: `https://me:${encodeURIComponent(password)}@127.0.0.1:1/x.git`,
    };
    const task = place.source.add('true');
    const path = `${bin}:${process.env.PATH}`;
    await place.once({ environment: { PATH: path, HOME: place.root } }, { log: log() });
    const attempt = place.source.attemptOf(task);
    const coded = Buffer.from(password).toString('base64').slice(0, -3);
    expect(attempt.report).toMatchObject({
      reason: 'checkout',
      message: expect.stringContaining('fatal: no'),
    });
    for (const text of textsIn([received(attempt), lines])) {
      for (const form of [password, encodeURIComponent(password), coded]) expect(text).not.toContain(form);
    }
  });

  test('F-35: is masked when it is split across writes, pieces and silence, and nothing of it is out before', async () => {
    const value = 'split-in-many-places';
    const pieceBytes = 4 * 1024 * 1024;
    const script = [
      `head -c ${pieceBytes - 9} /dev/zero | tr '\\0' x; ${[...value].map((one) => printf(one)).join('; ')}; echo`,
      [...value].map((one) => printf(one)).join('; sleep 0.05; '),
      'echo; echo end',
    ].join('\n');
    const task = place.source.add(script);
    await place.once({ environment: { ...environment(), SPLIT_KEY: value } });
    const { streams } = place.source.attemptOf(task);
    const stars = '*'.repeat(value.length);
    const out = Buffer.concat(streams.stdout);
    expect(out.subarray(pieceBytes - 9).toString()).toBe(`${stars}\n${stars}\nend\n`);
  });

  test('S-30: of less than six bytes is not masked, and its variable is named in the log without its value', async () => {
    const task = place.source.add('echo abc');
    await place.once({ environment: environment() }, { log: log() });
    expect(Buffer.concat(place.source.attemptOf(task).streams.stdout).toString()).toBe('abc\n');
    const warning = lines.find((line) => line.includes('too short'));
    expect(JSON.parse(warning ?? '{}')).toMatchObject({ level: 'WARN', variables: ['MY_PIN_SECRET'] });
    expect(lines.join('')).not.toContain('"abc"');
  });
});

describe('S-31: a secret that is added while the run goes on', () => {
  /** What `redact add` does, without the time that a program takes to start. */
  const add = [
    'add() {',
    '  id=00000000-0000-4000-8000-$(printf %012d "$2"); mkdir -p "$KERUTA_RUN_DIR/secrets"',
    '  printf %s "$1" > "$KERUTA_RUN_DIR/secrets/$id"',
    '  out=$(wc -c < "$KERUTA_RUN_DIR/stdout"); err=$(wc -c < "$KERUTA_RUN_DIR/stderr")',
    `  p=$(printf 'redact\\037add\\037%s\\037--stdout\\037%s\\037--stderr\\037%s\\037' $id $((out)) $((err)))`,
    `  printf '@%s %s\\n' \${#p} "$p" >> "$KERUTA_RUN_DIR/mailbox"`,
    '}',
  ].join('\n');
  /** Waits until the agent has written all of them down. */
  const taken = 'while [ -n "$(ls "$KERUTA_RUN_DIR/secrets")" ]; do sleep 0.02; done';
  const rounds = 100;
  const script = [
    add,
    `for i in $(seq 1 ${rounds}); do`,
    '  s="late-$((i * 7919))-value"; add "$s" $i; echo "$i $s out"; echo "$i $s err" >&2',
    'done',
  ].join('\n');
  const wanted = (stream: string) =>
    Array.from(
      { length: rounds },
      (_, at) => `${at + 1} ${'*'.repeat(`late-${(at + 1) * 7919}-value`.length)} ${stream}\n`,
    ).join('');

  test('is masked in everything that is written from then on, on both streams', async () => {
    const task = place.source.add(script);
    await place.once({}, { log: log() });
    const { streams } = place.source.attemptOf(task);
    expect(Buffer.concat(streams.stdout).toString()).toBe(wanted('out'));
    expect(Buffer.concat(streams.stderr).toString()).toBe(wanted('err'));
    expect(lines.join('')).not.toMatch(/late-\d/);
  });

  test('stays masked when the agent is replaced at any time, and its value leaves the run directory', async () => {
    const task = place.source.add(`${script}\n${taken}`);
    for (let at = 1; at <= 4; at++) {
      const { control, exit } = place.start();
      const attempt = await place.source.until(() => place.source.attempts[0]);
      await place.source.until(() => attempt.streams.stdout.length >= at || attempt.report !== null);
      control.stop('leave');
      await exit;
    }
    if (place.source.attempts[0]?.report === null) await place.once();
    const { streams, report } = place.source.attemptOf(task);
    const out = Buffer.concat(streams.stdout).toString();
    expect(report?.exitCode).toBe(0);
    expect(out.slice(0, wanted('out').length)).toBe(wanted('out'));
    expect(out).not.toMatch(/late-\d/);
    expect(report?.streams.stdout.crc32).toBe(crc32(Buffer.concat(streams.stdout)));
  });

  test('is masked from where it was added, by the command itself, and what came before stays', async () => {
    const main = join(import.meta.dirname, '../../../cmd/keruta/main.ts');
    const keruta = `"${process.execPath}" "${main}"`;
    const task = place.source.add(
      [
        'v=$(printf "line one\\r\\nline-two-é"); echo "$v"',
        `echo "$v" | ${keruta} redact add --name mine || exit 9`,
        taken,
        'grep -c line-two "$KERUTA_RUN_DIR/mailbox"',
        'echo "$v"; printf %s "$v" | base64 -w0; echo',
        `${keruta} log INFO "it is $v"`,
        `printf tiny! | ${keruta} redact add --name small 2>&1; echo "exit $?"`,
      ].join('\n'),
    );
    await place.once({}, { log: log() });
    const { streams, messages } = place.source.attemptOf(task);
    const [first, second, count, third, ...rest] = Buffer.concat(streams.stdout).toString().split('\n');
    expect([first, second, count]).toEqual(['line one\r', 'line-two-é', '0']);
    expect(third).toBe('*'.repeat(21));
    expect(rest[0]).toMatch(/^\*{28,}[A-Za-z0-9]?=*$/);
    expect(rest[1]).toMatch(/expected 6 to 16384 bytes of text on stdin, got 5/);
    expect(rest.slice(-2)).toEqual(['exit 2', '']);
    expect(messages.find(({ kind }) => kind === 'log')).toMatchObject({
      message: expect.not.stringContaining('line-two'),
    });
    expect(lines.some((line) => line.includes('a secret was added') && line.includes('mine'))).toBe(true);
  });
});
