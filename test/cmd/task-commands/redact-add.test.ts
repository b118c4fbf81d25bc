import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeMailbox } from '../../../internal/domain/mailbox.ts';
import { cli, temporaryDirectory } from '../harness.ts';

/** A run directory, as a script finds it. */
function makeRun() {
  const directory = join(temporaryDirectory(), 't1.1');
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, 'stdout'), 'x'.repeat(120));
  writeFileSync(join(directory, 'stderr'), 'x'.repeat(7));
  const env = { KERUTA_RUN_DIR: directory, KERUTA_TASK_ID: 't1' };
  const mailbox = () => readFileSync(join(directory, 'mailbox'));
  return {
    directory,
    env,
    mailbox,
    add: (stdin: string, ...words: string[]) => cli(['redact', 'add', ...words], { env, stdin }),
  };
}

describe('redact add', () => {
  test('leaves the value for the agent in a private file, and a record with places and name but no value', async () => {
    const run = makeRun();
    const value = 'line one\n@12 \u001f two';
    expect(await run.add(`${value}\n`, '--name', 'mine')).toEqual({ status: 0, out: '', err: '' });
    const [id = ''] = readdirSync(join(run.directory, 'secrets'));
    const file = join(run.directory, 'secrets', id);
    expect(readFileSync(file, 'utf8')).toBe(value);
    expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(statSync(join(run.directory, 'mailbox')).mode & 0o777).toBe(0o600);
    expect(decodeMailbox(run.mailbox(), 0).records.map(({ words }) => words)).toEqual([
      ['redact', 'add', id, '--stdout', '120', '--stderr', '7', '--name', 'mine'],
    ]);
    expect(run.mailbox().toString()).not.toContain('two');
  });

  test('answers in JSON when asked', async () => {
    const { out } = await makeRun().add('a-secret', '--json');
    expect(JSON.parse(out)).toEqual({ taskId: 't1', masked: true });
  });

  test.each([
    ['5 bytes', '12345\n', 'got 5;'],
    ['nothing', '', 'got 0;'],
    ['more than 16 KiB', 'x'.repeat(16 * 1024 + 1), 'got more'],
  ])('takes no value of %s, and does not show it', async (_what, stdin, said) => {
    const run = makeRun();
    const { status, err } = await run.add(stdin, '--name', 'pin');
    expect(status).toBe(2);
    expect(err).toContain(`value: expected 6 to 16384 bytes of text on stdin, ${said}`);
    expect(err).not.toContain('12345');
    expect(readdirSync(run.directory).sort()).toEqual(['stderr', 'stdout']);
  });

  test('takes exactly 6 bytes and exactly 16 KiB', async () => {
    const run = makeRun();
    for (const value of ['123456', 'x'.repeat(16 * 1024)])
      expect((await run.add(`${value}\r\n`)).status).toBe(0);
    expect(readdirSync(join(run.directory, 'secrets'))).toHaveLength(2);
  });

  test('says outside a run where it works, whatever task is named', async () => {
    const { status, err } = await cli(['redact', 'add'], {
      env: { KERUTA_TASK_ID: 't1' },
      stdin: 'a-secret',
    });
    expect(status).toBe(2);
    expect(err).toContain('expected to be called by a script that an agent runs');
  });

  test('takes no value as an argument', async () => {
    const { status, err } = await makeRun().add('', 'a-secret-word');
    expect(status).toBe(2);
    expect(err).toContain('redact add');
  });

  test('says that nothing is masked when the value cannot be left', async () => {
    const run = makeRun();
    writeFileSync(join(run.directory, 'secrets'), '');
    const { status, err } = await run.add('a-secret');
    expect(status).toBe(6);
    expect(err).toContain('it is not masked');
    expect(readdirSync(run.directory).sort()).toEqual(['secrets', 'stderr', 'stdout']);
  });
});
