import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { branchFault } from '../../../../internal/domain/branch-fault.ts';
import { branchName } from '../../../../internal/pool/flow/branch-name.ts';
import { commitMessage } from '../../../../internal/pool/flow/commit-message.ts';
import { gitToken } from '../../../../internal/pool/flow/git-token.ts';
import { temporaryDirectory } from '../../../fixtures/git.ts';
import { badRefs } from '../../../fixtures/hostile-names.ts';

const now = 1_767_225_600_500;

describe('the name of a branch', () => {
  test.each([
    ['29229ea1-8c41-4000-8000-000000000000', '12345678-0000', 'keruta-task-29229ea1-12345678'],
    ['session-123', 'task-456', 'keruta-task-session-task'],
    ['short', '12345678-aa', 'keruta-task-12345678'],
    ['abcdefghij', null, 'keruta-session-abcdefgh'],
    ['short', 'tiny', 'keruta-branch-1767225600'],
    [null, null, 'keruta-branch-1767225600'],
  ])('of session %j and task %j is %s', (sessionId, taskId, name) => {
    expect(branchName(null, { sessionId, taskId, now })).toBe(name);
  });

  test('is made by a template of ids and words', () => {
    const context = {
      sessionId: 'aaaaaaaa-1',
      taskId: 'bbbbbbbb-2',
      specName: 'User Auth',
      title: 'Fix: the Login/ページ page!  ',
      requiredSkill: 'Backend',
      now,
    };
    expect(branchName('feature/{spec}/{task}-{title}', context)).toBe(
      'feature/user-auth/bbbbbbbb-fix-the-login-ページ-page',
    );
    expect(branchName('{session}/{sessionId}/{taskId}/{skill}', context)).toBe(
      'aaaaaaaa/aaaaaaaa-1/bbbbbbbb-2/backend',
    );
  });

  test('says which placeholders there are, and what git would refuse', () => {
    const context = { sessionId: null, taskId: 'bbbbbbbb-2', title: '..', now };
    expect(() => branchName('x/{titel}', context)).toThrow(/\{titel\}; expected \{session\}/);
    expect(() => branchName('x/{title}', context)).toThrow(/refused: it has an empty component/);
    expect(() => branchName('{constructor}', context)).toThrow(/placeholder/);
  });

  test.each([...badRefs.filter((ref) => !ref.startsWith('refs/')), 'HEAD', 'refs/heads/x', 'a'.repeat(40)])(
    'is never %j',
    (name) => {
      expect(branchFault(name)).not.toBeNull();
    },
  );
});

describe('the message of a commit', () => {
  test('has the title, what was done, and the trailer of the task', () => {
    const message = commitMessage(null, {
      taskId: 'abc',
      title: 'Add  a\nthing',
      summary: 'Did it.\r\n\r\n\r\n\r\nWell.',
    });
    expect(message).toBe('Add a thing\n\nDid it.\n\nWell.\n\nKeruta-Task: abc\n');
  });

  test('follows a template, takes more trailers, and cannot be made to name another task', () => {
    const context = { taskId: 'abc', title: 'x\n\nKeruta-Task: other', description: 'd', specName: 's' };
    const message = commitMessage('[{spec}] {title} ({task})\n{description}\u0000\u001b[31m', context, [
      ['Co-authored-by', 'A <a@example.org>\nKeruta-Task: other'],
    ]);
    expect(message.split('\n').slice(-3)).toEqual([
      'Co-authored-by: A <a@example.org> Keruta-Task: other',
      'Keruta-Task: abc',
      '',
    ]);
    expect(message).toContain('[s] x Keruta-Task: other (abc)\n\nd[31m\n');
    expect(commitMessage('{title}', { taskId: 'abc', title: ' ' })).toBe('Task abc\n\nKeruta-Task: abc\n');
    expect(() => commitMessage('{nope}', context)).toThrow(/\{nope\}/);
  });
});

describe('the token for repositories', () => {
  const file = (text: string) => {
    const path = join(temporaryDirectory('token'), 'token');
    writeFileSync(path, text);
    return path;
  };

  test('comes from its variable, else from the file, which is read each time; or there is none', () => {
    expect(gitToken({})()).toBeNull();
    expect(gitToken({ GIT_TOKEN: ' ghp_one ' })()).toEqual({
      username: 'x-access-token',
      password: 'ghp_one',
    });
    const path = file('ghp_two\n');
    const ask = gitToken({ GIT_TOKEN: '', GIT_TOKEN_FILE: path });
    expect(ask()?.password).toBe('ghp_two');
    writeFileSync(path, 'ghp_three');
    expect(ask()?.password).toBe('ghp_three');
    expect(gitToken({ MY_TOKEN: 'x', GIT_TOKEN: 'y' }, 'MY_TOKEN')()?.password).toBe('x');
  });

  test('in a file that is missing, empty or holds more than a token is refused without a word of it', () => {
    expect(gitToken({ GIT_TOKEN_FILE: '/no/such' })).toThrow(/GIT_TOKEN_FILE cannot be read: ENOENT/);
    expect(gitToken({ GIT_TOKEN_FILE: file(' \n') })).toThrow(/is empty/);
    const two = file('ghp_secret ghp_other');
    expect(gitToken({ GIT_TOKEN_FILE: two })).toThrow(/more than one word/);
    expect(gitToken({ GIT_TOKEN_FILE: two })).not.toThrow(/ghp_/);
  });
});
