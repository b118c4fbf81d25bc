import { describe, expect, test } from 'vitest';
import { InputError } from '../../../internal/domain/errors.ts';
import { branchName } from '../../../internal/pool/flow/branch-name.ts';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import { readRunnerFile } from '../../../internal/runner/runner-file.ts';

const read = (value: unknown) => readRunnerTask({ value, file: 'context.json' });
const readText = (text: string) =>
  readRunnerTask(readRunnerFile(text, { file: 'context.yaml', code: 'KERUTA_ERR_TASK_CONTEXT' }));
const repository_url = 'https://github.com/acme/chat.git';

function refusal(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a task', () => {
  test('is read with all that the agent runner knows of one', () => {
    const task = readText(`
task_id: "1.1"
spec_name: chat-app
title: データベーススキーマの実装
description: UserとMessageモデルを作成
acceptance_criteria:
  - Userモデルにemail、password、usernameフィールドがある
dependencies: [Set up the project]
required_skill: backend
slot_path: /work/slot-1
slot_id: slot-1
branch_name: feature/task-1.1-database-schema
playbook_path: playbooks/backend-task.yaml
`);
    expect(task).toEqual({
      kind: 'playbook',
      id: expect.stringMatching(/^[0-9a-f]{12}-1\.1$/),
      sessionId: null,
      context: {
        ...{ taskId: '1.1', specName: 'chat-app', title: 'データベーススキーマの実装' },
        description: 'UserとMessageモデルを作成',
        acceptanceCriteria: ['Userモデルにemail、password、usernameフィールドがある'],
        ...{ requiredSkill: 'backend', focus: [], targetBranch: null, publish: 'branch' },
        ...{ slotId: 'slot-1', slotPath: '/work/slot-1', playbook: 'playbooks/backend-task.yaml' },
        branchName: 'feature/task-1.1-database-schema',
      },
      ...{ repositoryUrl: null, ref: null, story: [], parentIds: [], failure: null, parameters: {} },
      dependencies: ['Set up the project'],
    });
  });

  test('is the same in snake_case and in camelCase', () => {
    const snake = {
      ...{ id: 'a1', session_id: 's1', task_id: '7', spec_name: 's', title: 't', required_skill: 'k' },
      ...{ acceptance_criteria: ['c'], branch_name: 'b', target_branch: 'main', playbook_path: 'p.yaml' },
      ...{ slot_id: 'x', slot_path: '/x', repository_url, ref: 'v1', publish: 'none', focus: ['f'] },
      parents: [{ id: 'p1', title: 'above', description: 'all of it' }],
      ...{ parent_ids: ['p0', 'p1'], parameters: { node_major: 24 }, dependencies: ['d'], kind: 'agent' },
      failure: { error_code: 'EXIT', error_message: 'it failed', bundle: { last_lines: ['x'] } },
    };
    const camel = {
      ...{ id: 'a1', sessionId: 's1', taskId: '7', specName: 's', title: 't', requiredSkill: 'k' },
      ...{ acceptanceCriteria: ['c'], branchName: 'b', targetBranch: 'main', playbookPath: 'p.yaml' },
      ...{
        slotId: 'x',
        slotPath: '/x',
        repositoryUrl: repository_url,
        ref: 'v1',
        publish: 'none',
        focus: ['f'],
      },
      story: [{ id: 'p1', title: 'above', description: 'all of it' }],
      ...{ parentIds: ['p0', 'p1'], parameters: { node_major: 24 }, dependencies: ['d'], kind: 'agent' },
      failure: { errorCode: 'EXIT', errorMessage: 'it failed', bundle: { last_lines: ['x'] } },
    };
    expect(read(snake)).toEqual(read(camel));
    expect(read(snake)).toMatchObject({
      ...{ id: 'a1', kind: 'agent', parentIds: ['p0', 'p1'], parameters: { node_major: 24 } },
      story: [{ title: 'above', description: 'all of it' }],
      failure: { errorCode: 'EXIT', errorMessage: 'it failed', bundle: { last_lines: ['x'] } },
    });
  });

  test('is for a coding agent when it names no playbook', () => {
    expect(read({ title: 't', repository_url }).kind).toBe('agent');
    expect(read({ title: 't', repository_url, kind: 'playbook' }).kind).toBe('playbook');
  });

  test('that a program wrote may hold what would be odd in YAML', () => {
    const description = `${'-'.repeat(600)}\n\ttab`;
    expect(readText(JSON.stringify({ title: 't', repository_url, description })).context.description).toBe(
      description,
    );
  });
});

describe('the id of a task that has none', () => {
  const of = (more: object) => read({ title: 'A title!', repository_url, ...more }).id;

  test('is the same each time, whatever else is said of what was written down once', () => {
    expect(of({ task_id: '1.1', spec_name: 'a' })).toBe(
      of({ spec_name: 'a', task_id: '1.1', description: 'x' }),
    );
    expect(of({ description: 'x' })).toBe(of({ description: 'x' }));
  });

  test('is another one in another specification, repository, or with other words', () => {
    const ids = [
      ...[of({ task_id: '1.1', spec_name: 'a' }), of({ task_id: '1.1', spec_name: 'b' })],
      ...[of({ task_id: '1.2', spec_name: 'a' }), of({ task_id: '1.1' })],
      of({ task_id: '1.1', spec_name: 'a', repository_url: 'https://github.com/acme/other.git' }),
      ...[of({}), of({ description: 'x' })],
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('names a branch of its own', () => {
    const names = ['1.1', '1.2'].map((task_id) =>
      branchName(null, { sessionId: null, taskId: of({ task_id, spec_name: 'chat' }), now: 0 }),
    );
    expect(names[0]).toMatch(/^keruta-task-[0-9a-f]{12}$/);
    expect(names[1]).not.toBe(names[0]);
    expect(of({})).toMatch(/^[0-9a-f]{12}-A-title$/);
    expect(of({ title: '実装' })).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('what is wrong with a task is told', () => {
  test('all at once, each with file, line, and the name that was written', () => {
    const { code, message } = refusal(() =>
      readText(`taskId: 1.1
titel: the wrong word
branch_name: "a..b"
slotPath: slots/1
acceptance_criteria: one
parents:
  - titel: x
`),
    );
    expect(code).toBe('KERUTA_ERR_TASK_CONTEXT');
    expect(message.split('\n').sort()).toEqual([
      'context.yaml:1: taskId: expected a text; a number needs quotes',
      'context.yaml:1: title: expected a text that says what is wanted',
      'context.yaml:2: titel: there is no such key; did you mean title?',
      'context.yaml:3: branch_name: is refused: it holds ".."',
      'context.yaml:4: slotPath: expected an absolute path',
      'context.yaml:5: acceptance_criteria: expected array, got string',
      'context.yaml:7: parents[0].titel: there is no such key; did you mean title?',
      'context.yaml:7: parents[0].title: expected string, got nothing',
    ]);
  });

  const ok = { title: 't', repository_url };
  test.each<[string, unknown, string]>([
    ['nothing at all', null, 'context.json: expected object, got null'],
    ['an empty title', { ...ok, title: ' ' }, 'title: expected a text that says what is wanted'],
    ['a title of two lines', { ...ok, title: 'a\nb' }, 'title: expected one line'],
    [
      'neither repository nor slot',
      { title: 't' },
      'repository_url: expected the address of a repository, or slot_path',
    ],
    [
      'a slot by its id alone',
      { ...ok, slot_id: 's' },
      'slot_path: expected the path of the slot, since slot_id is given',
    ],
    ['a name twice', { ...ok, task_id: '1', taskId: '2' }, 'is given twice: as task_id and as taskId'],
    [
      'a branch that git refuses',
      { ...ok, branch_name: '-x' },
      'branch_name: is refused: a component begins with a dash',
    ],
    [
      'a branch that is a commit',
      { ...ok, branch_name: 'a'.repeat(40) },
      'branch_name: is refused: it reads like a commit id',
    ],
    ['an empty branch', { ...ok, branch_name: '' }, 'branch_name: is refused: it is empty'],
    [
      'a target that git refuses',
      { ...ok, target_branch: 'x y' },
      'target_branch: is refused: it holds a space',
    ],
    ['a ref that git refuses', { ...ok, ref: 'a..b' }, 'ref: '],
    ['a repository by a helper', { ...ok, repository_url: 'ext::sh' }, 'repository_url: repository URL'],
    [
      'a playbook outside',
      { ...ok, playbook_path: '../p.yaml' },
      'playbook_path: expected a path below the repository',
    ],
    [
      'a playbook of the machine',
      { ...ok, playbook_path: '/p.yaml' },
      'playbook_path: expected a path below',
    ],
    [
      'a wish that is not known',
      { ...ok, publish: 'merge' },
      'publish: expected one of none, branch, pull-request, got "merge"',
    ],
    ['a script', { ...ok, kind: 'script' }, 'kind: expected one of playbook, agent, got "script"'],
    ['an id with a slash', { ...ok, id: '../x' }, 'id: expected letters, digits'],
    [
      'a failure without a message',
      { ...ok, failure: { error_code: 'E' } },
      'failure.error_message: expected string',
    ],
  ])('of %s', (_, value, words) => expect(refusal(() => read(value)).message).toContain(words));

  test('without the password of an address', () => {
    const url = 'https://me:hunter2@github.com/a b.git';
    expect(refusal(() => read({ ...ok, repository_url: url })).message).not.toContain('hunter2');
  });

  test('also of a text that is too long to be one', () => {
    expect(refusal(() => readText(`title: ${'x'.repeat(5 * 1024 ** 2)}`)).message).toMatch(
      /^context\.yaml: expected at most 4194304 bytes, got \d+$/,
    );
  });
});
