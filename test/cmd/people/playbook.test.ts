import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { decodeMailbox } from '../../../internal/domain/mailbox.ts';
import { type CliOptions, cli, temporaryDirectory } from '../harness.ts';

/** A home with files, in which commands run as a person runs them. */
function place(files: Readonly<Record<string, string>>) {
  const home = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  const cwd = join(home, 'repo');
  mkdirSync(cwd, { recursive: true });
  const env = { PATH: process.env.PATH ?? '' };
  return {
    home,
    cwd,
    keruta: (words: readonly string[], more: CliOptions = {}) =>
      cli(words, { home, cwd, ...more, env: { ...env, ...more.env } }),
  };
}

const hello = `name: Say hello
description: For tests.
parameters: { who: world, loud: false }
steps:
  - { name: Greet, command: 'echo "hello $KERUTA_PARAM_WHO"' }
  - { name: Shout, command: 'echo HELLO', condition: loud }
`;

describe('keruta playbook list', () => {
  test('has those of the repository and your own, of which the repository hides some', async () => {
    const { keruta, home } = place({
      'repo/.git/HEAD': '',
      'repo/.keruta/playbooks/hello.yaml': hello,
      'repo/.keruta/playbooks/bad.yml': 'steps: 1',
      'repo/.keruta/playbooks/.hidden.yaml': hello,
      'repo/deep/er/x': '',
      '.keruta/playbooks/hello.json': '{}',
      '.keruta/playbooks/mine.json': '{"steps": [{"name": "a", "command": "b"}]}',
    });
    const { status, out, err } = await keruta(['playbook', 'list'], { cwd: join(home, 'repo/deep/er') });
    expect(status).toBe(0);
    expect(out.split('\n').map((line) => line.trimEnd().replace(/ {2,}/g, ' | '))).toEqual([
      'PLAYBOOK | STEPS | FROM | NAME | DESCRIPTION',
      'bad | faults | repository | -',
      'hello | 2 | repository | Say hello | For tests.',
      'mine | 1 | user | mine',
      '',
    ]);
    expect(err).toContain('bad.yml: has faults; see keruta playbook validate');
    const json = JSON.parse((await keruta(['playbook', 'list', '--json'])).out);
    expect(json.map(({ id, steps }: { id: string; steps: number }) => [id, steps])).toEqual([
      ['bad', null],
      ['hello', 2],
      ['mine', 1],
    ]);
  });

  test('says where to put one when there is none', async () => {
    const { status, out, err } = await place({}).keruta(['playbook', 'list']);
    expect([status, out]).toEqual([0, '']);
    expect(err).toContain('put one into .keruta/playbooks');
  });
});

describe('keruta playbook validate', () => {
  test('names every fault of all files with line and field, and exits 2', async () => {
    const { keruta } = place({
      'repo/.keruta/playbooks/a.yaml': 'steps:\n  - name: a\n    comand: x\n',
      'repo/.keruta/playbooks/b.yaml': 'includes: [b.yaml]\n',
      'repo/.keruta/playbooks/c.yaml': hello,
    });
    const { status, out, err } = await keruta(['playbook', 'validate']);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain('a.yaml:3: steps[0].comand: there is no such key; did you mean command?');
    expect(err).toMatch(/b\.yaml:1: includes\[0\]: a file may not include itself: \S+b\.yaml → \S+b\.yaml/);
    const json = await keruta(['playbook', 'validate', '--json']);
    expect(json.status).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({
      playbooks: 3,
      faults: [{ line: 2, field: 'steps[0].command', message: 'expected string, got nothing' }, {}, {}],
    });
  });

  test('takes names, files and directories', async () => {
    const { keruta } = place({ 'repo/.keruta/playbooks/hello.yaml': hello, 'repo/x/y.yaml': hello });
    for (const word of ['hello', 'x/y.yaml', './x', '.keruta/playbooks'])
      expect(await keruta(['playbook', 'validate', word])).toEqual({
        status: 0,
        out: '1 playbook, no faults\n',
        err: '',
      });
    expect(await keruta(['playbook', 'validate'])).toMatchObject({
      status: 0,
      out: '1 playbook, no faults\n',
    });
  });

  test('says which name is meant, and which file is not there', async () => {
    const { keruta } = place({ 'repo/.keruta/playbooks/hello.yaml': hello });
    const unknown = await keruta(['playbook', 'run', 'helo']);
    expect(unknown).toMatchObject({
      status: 4,
      err: 'keruta: there is no playbook helo; did you mean hello?\n',
    });
    expect(await keruta(['playbook', 'run', './gone.yaml'])).toMatchObject({ status: 4 });
    expect((await keruta(['playbook', 'validate', 'gone.yaml'])).err).toContain('there is no ');
  });
});

test('keruta playbook schema prints the JSON Schema', async () => {
  const { status, out } = await place({}).keruta(['playbook', 'schema']);
  expect([status, JSON.parse(out).title]).toEqual([0, 'keruta playbook']);
});

describe('keruta playbook run', () => {
  test('shows a section for each step, and exits 0 when all went well', async () => {
    const { keruta } = place({ 'repo/.keruta/playbooks/hello.yaml': hello });
    const { status, out, err } = await keruta(['playbook', 'run', 'hello']);
    expect([status, err]).toEqual([0, '']);
    expect(out.replace(/\d+ms|\d+\.\ds/g, 'T')).toBe(`==> [1/2] Greet
hello world
<== [1/2] Greet: success, T
--- [2/2] Shout: skipped, since its condition is not met
Say hello: success, T (1 success, 1 skipped)
`);
  });

  test('takes parameters, of which a mistyped one is refused', async () => {
    const { keruta } = place({ 'repo/hello.yaml': hello });
    const { out } = await keruta([
      'playbook',
      'run',
      'hello.yaml',
      '--param',
      'who=you',
      '--params',
      '{"loud": true}',
    ]);
    expect(out).toContain('hello you\n');
    expect(out).toContain('HELLO\n');
    expect(await keruta(['playbook', 'run', 'hello.yaml', '--param', 'lud=true'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('hello.yaml has no parameter lud; did you mean loud?'),
    });
  });

  test('exits 1 when a step failed, having said why', async () => {
    const { keruta } = place({
      'repo/a.yaml': 'steps:\n  - { name: a, command: printf x; exit 3 }\n  - { name: b, command: "true" }\n',
    });
    const { status, out } = await keruta(['playbook', 'run', 'a.yaml']);
    expect(status).toBe(1);
    expect(out).toContain('x\n<== [1/2] a: failure, ');
    expect(out).toContain(
      ': its command ended with exit code 3\n--- [2/2] b: skipped, since a step before it failed\n',
    );
  });

  test('tells each event as a line of JSON, and the whole at the end', async () => {
    const { keruta } = place({ 'repo/a.yaml': 'steps:\n  - { name: a, command: echo あ; echo e >&2 }\n' });
    const { status, out } = await keruta(['playbook', 'run', 'a.yaml', '--json']);
    expect(status).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type).filter((type) => type !== 'output')).toEqual([
      ...['step-started', 'attempt-started', 'attempt-ended', 'step-ended', 'end'],
    ]);
    const printed = (stream: string) =>
      lines
        .filter((line) => line.stream === stream)
        .map(({ text }) => text)
        .join('');
    expect([printed('stdout'), printed('stderr')]).toEqual(['あ\n', 'e\n']);
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      status: 'success',
      steps: [{ name: 'a', status: 'success', exitCode: 0 }],
    });
    expect(lines[0]).toEqual({ type: 'step-started', step: { index: 0, name: 'a', count: 1 } });
  });

  test('keeps artifacts, by itself below .keruta/doc, in a task where the task has them', async () => {
    const { keruta, cwd, home } = place({
      'repo/a.yaml': 'steps:\n  - { name: a, command: touch r.xml, workdir: w, artifacts: "*.xml" }\n',
      'repo/w/x': '',
    });
    expect((await keruta(['playbook', 'run', 'a.yaml'])).status).toBe(0);
    expect(readdirSync(join(cwd, '.keruta/doc'))).toEqual(['r.xml']);
    const env = { KERUTA_ARTIFACTS_DIR: join(home, 'kept') };
    expect((await keruta(['playbook', 'run', 'a.yaml'], { env })).status).toBe(0);
    expect(readdirSync(join(home, 'kept'))).toEqual(['r.xml']);
  });

  test('ends the step at the first Ctrl-C and still runs what always runs', async () => {
    const { keruta, cwd } = place({
      'repo/a.yaml': `steps:
  - { name: long, command: 'echo ready; sleep 300' }
  - { name: never, command: 'touch never' }
  - { name: clean, command: 'touch cleaned', always: true }
`,
    });
    let stop: (name: 'SIGINT' | 'SIGTERM') => void = () => {};
    let out = '';
    const running = keruta(['playbook', 'run', 'a.yaml'], {
      onReady: (given) => {
        stop = given;
      },
      onOutput: (text) => {
        out += text;
      },
    });
    await vi.waitFor(() => expect(out).toContain('ready\n'), 10_000);
    stop('SIGINT');
    const { status, err } = await running;
    expect([status, err]).toEqual([130, 'keruta: stopping; Ctrl-C again ends what always runs too\n']);
    expect(out).toContain('<== [1/3] long: cancelled, ');
    expect(out).toContain('--- [2/3] never: skipped, since the run was stopped\n==> [3/3] clean\n');
    expect(readdirSync(cwd).toSorted()).toEqual(['a.yaml', 'cleaned']);
  });

  test('goes on with a run whose state was kept, and never repeats what ended', async () => {
    const { keruta, cwd, home } = place({
      'repo/a.yaml':
        'steps:\n  - { name: a, command: echo once >> log }\n  - { name: b, command: echo b >> log }\n',
    });
    const words = ['playbook', 'run', 'a.yaml', '--state', join(home, 'state')];
    expect((await keruta(words)).status).toBe(0);
    const again = await keruta(words);
    expect(again.status).toBe(0);
    expect(again.out).toMatch(/^--- \[1\/2\] a: success, \S+, in an earlier start\n--- \[2\/2\] b: /);
    expect(readFileSync(join(cwd, 'log'), 'utf8')).toBe('once\nb\n');
    writeFileSync(join(cwd, 'a.yaml'), 'steps: [{ name: other, command: x }]');
    expect(await keruta(words)).toMatchObject({
      status: 5,
      err: expect.stringContaining('the steps of the playbook, or its parameters, are others'),
    });
  });

  test('inside a task tells each step to it, and knows its parameters', async () => {
    const { keruta, home } = place({ 'repo/hello.yaml': hello });
    const run = join(home, 'runs/t1.1');
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, 'parameters.json'), '{"who": "task", "more": 1}');
    const env = {
      KERUTA_RUN_DIR: run,
      KERUTA_TASK_ID: 't1',
      KERUTA_PARAMETERS_FILE: join(run, 'parameters.json'),
    };
    const { status, out } = await keruta(['playbook', 'run', 'hello.yaml'], { env });
    expect([status, out]).toEqual([0, expect.stringContaining('hello task\n')]);
    const { records } = decodeMailbox(readFileSync(join(run, 'mailbox')), 0);
    expect(records.map(({ words }) => words.join(' ').replace(/\d+ms|\d+\.\ds/, 'T'))).toEqual([
      'progress 0 --message Say hello: step 1 of 2, Greet',
      'log INFO -- step 1 of 2, Greet: success, T',
      'log INFO -- step 2 of 2, Shout: skipped, since its condition is not met',
    ]);
  });

  test.each([
    [['--work-dir', 'gone'], '--work-dir: expected a directory'],
    [['--param', 'x'], '--param: expected NAME=VALUE'],
  ])('refuses %j before anything runs', async (words, message) => {
    const { keruta } = place({ 'repo/hello.yaml': hello });
    const { status, out, err } = await keruta(['playbook', 'run', 'hello.yaml', ...words]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });
});
