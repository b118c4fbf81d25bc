import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeMailbox } from '../../../internal/domain/mailbox.ts';
import { parseRequest } from '../../../internal/worker/mailbox-words.ts';
import { cli, temporaryDirectory } from '../harness.ts';

/** A run directory, as a script finds it; there is no API. */
function makeRun() {
  const directory = join(temporaryDirectory(), 't1.1');
  mkdirSync(directory, { mode: 0o700 });
  const env = { KERUTA_RUN_DIR: directory, KERUTA_TASK_ID: 't1', KERUTA_API_URL: 'http://127.0.0.1:1' };
  const mailbox = join(directory, 'mailbox');
  return {
    add: (...words: string[]) => cli(['cost', 'add', ...words], { env }),
    said: () =>
      existsSync(mailbox)
        ? decodeMailbox(readFileSync(mailbox), 0).records.map(({ words }) => parseRequest(words))
        : [],
  };
}

describe('cost add inside a run', () => {
  test('leaves a record that the agent understands, with the API away', async () => {
    const run = makeRun();
    const words = ['0.12', '--tokens-in', '5200', '--tokens-out', '830', '--model', 'small 1', '--key', 'a'];
    expect(await run.add(...words)).toEqual({ status: 0, out: '', err: '' });
    expect(run.said()).toEqual([
      { kind: 'cost', micro: 120_000, key: 'a', tokensIn: 5200, tokensOut: 830, model: 'small 1' },
    ]);
  });

  test('makes a new key for each call, so that two calls count twice', async () => {
    const run = makeRun();
    await run.add('1');
    await run.add('1');
    const [one, two] = run.said();
    expect([one, two]).toMatchObject([{ micro: 1_000_000 }, { micro: 1_000_000 }]);
    expect((one as { key: string }).key).not.toBe((two as { key: string }).key);
  });

  test.each([
    [['abc'], 'amount: expected dollars'],
    [['1e9'], 'amount: expected dollars'],
    [['99999999999'], 'amount: expected dollars'],
    [['1', '--currency', 'JPY'], '--currency: expected USD'],
    [['1', '--tokens-out', '1.5'], '--tokens-out: expected a whole number'],
    [['1', '--key', ''], '--key: expected 1 to 200'],
  ])('refuses %j and leaves nothing', async (words, message) => {
    const run = makeRun();
    const { status, err } = await run.add(...words);
    expect([status, err]).toEqual([2, expect.stringContaining(message)]);
    expect(run.said()).toEqual([]);
  });
});
