import { expect, test } from 'vitest';
import { mailboxWords } from '../../../internal/runner/speaker.ts';
import { parseRequest } from '../../../internal/worker/mailbox-words.ts';

test('what a runner says is what the agent understands, also when it begins with dashes', () => {
  const read = (words: readonly string[]) => parseRequest(words);
  expect(read(mailboxWords.log('WARN', '--secret x'))).toEqual({
    ...{ kind: 'log', level: 'WARN', message: '--secret x' },
  });
  expect(read(mailboxWords.progress(12.6, '-- test'))).toMatchObject({ progress: 13, message: '-- test' });
  expect(read(mailboxWords.artifact('/a/b.diff', 'b.diff', 'What was changed'))).toMatchObject({
    ...{ kind: 'artifact', file: '/a/b.diff', name: 'b.diff', description: 'What was changed' },
  });
  const cost = { micro: 30_000, key: 'k', tokensIn: 1, tokensOut: 2, model: 'toy' };
  expect(read(mailboxWords.cost(cost))).toMatchObject({ kind: 'cost', ...cost });
  expect(read(mailboxWords.ended('no', 'PushError'))).toMatchObject({ kind: 'fail', errorCode: 'PushError' });
  expect(read(mailboxWords.ended('yes', null))).toMatchObject({ kind: 'success', message: 'yes' });
});
