import { describe, expect, test } from 'vitest';
import { settingsTable } from '../../../internal/config/table.ts';
import { maxVariableBytes, taskEnvironment } from '../../../internal/worker/environment.ts';

function make(
  change: Partial<Parameters<typeof taskEnvironment>[0]> = {},
  parameters: Record<string, unknown> = {},
) {
  return taskEnvironment({
    traceparent: null,
    inherited: { PATH: '/usr/bin', HOME: '/home/me', KERUTA_API_TOKEN: 'krt_ses_agents', KERUTA_OTHER: 'x' },
    added: {},
    task: { id: 't1', name: 'build', sessionId: 's1', parameters },
    workspaceId: 'w1',
    attempt: 2,
    runId: 'r1',
    runDirectory: '/b/runs/t1.2',
    apiUrl: 'http://127.0.0.1:8585',
    token: 'krt_tsk_x',
    artifactsDirectory: '/w/.keruta/doc',
    workingDirectory: '/w',
    parametersFile: '/b/runs/t1.2/parameters.json',
    eventFile: null,
    executable: '/bin/keruta',
    binDirectory: '/b/bin',
    ...change,
  });
}

describe('taskEnvironment', () => {
  test('hands on what the agent inherited, and nothing of the agent itself', () => {
    const { env } = make();
    expect(env).toMatchObject({
      HOME: '/home/me',
      PATH: '/b/bin:/usr/bin',
      KERUTA_ATTEMPT: '2',
      TERM: 'dumb',
    });
    expect(env).not.toHaveProperty('KERUTA_OTHER');
    expect(env.KERUTA_API_TOKEN).toBe('krt_tsk_x');
  });

  test('keeps from tasks what makes a server a GitHub App', () => {
    const app = { GITHUB_APP_PRIVATE_KEY: 'k', GITHUB_WEBHOOK_SECRET: 's', GITHUB_WEBHOOK_SECRET_OLD: 'o' };
    const { env } = make({ inherited: { PATH: '/usr/bin', GITHUB_TOKEN: 'mine', ...app } });
    expect(Object.keys(env).filter((name) => name in app)).toEqual([]);
    expect(env.GITHUB_TOKEN).toBe('mine');
  });

  test('lets no task speak to systemd in the name of the agent', () => {
    const systemd = {
      NOTIFY_SOCKET: '/run/n',
      WATCHDOG_USEC: '1',
      WATCHDOG_PID: '2',
      CREDENTIALS_DIRECTORY: '/c',
    };
    const { env } = make({ inherited: { PATH: '/usr/bin', INVOCATION_ID: 'x', ...systemd } });
    expect(Object.keys(env).filter((name) => name in systemd)).toEqual([]);
    expect(env.INVOCATION_ID).toBe('x');
  });

  test('hands on no secret of a server in the same process, whichever way it is named', () => {
    const settings = Object.values(settingsTable).filter((row) => row.secret === true);
    const secrets = settings.flatMap(({ variables }) => variables);
    expect(secrets).toContain('EMAIL_PASSWORD');
    const of = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'hidden']));
    const later = [
      'GITHUB_APP_PRIVATE_KEY',
      'GITHUB_WEBHOOK_SECRET',
      'WEBHOOK_SECRET',
      'SLACK_SIGNING_SECRET',
    ];
    const inherited = of([...secrets, ...later, 'SHOP_HOOK', 'SHOP_HOOK_2', 'SHOP']);
    const { env } = make({ inherited, withheld: ['SHOP_HOOK'] });
    const handedOn = Object.keys(env).filter((name) => env[name] === 'hidden');
    expect(handedOn).toEqual(['SHOP_HOOK_2', 'SHOP']);
  });

  test('gives no token at all when the task has none of its own', () => {
    expect(make({ token: null }).env).not.toHaveProperty('KERUTA_API_TOKEN');
  });

  test('gives parameters as text, others as JSON', () => {
    const { env } = make({}, { 'a-b': 'x y', n: 1, list: [1, 'two'] });
    expect(env).toMatchObject({
      KERUTA_PARAM_A_B: 'x y',
      KERUTA_PARAM_N: '1',
      KERUTA_PARAM_LIST: '[1,"two"]',
    });
  });

  test('lets neither parameters nor the server override the contract', () => {
    const { env } = make({ added: { KERUTA_TASK_ID: 'evil', EXTRA: 'fine', PATH: '/evil' } });
    expect(env).toMatchObject({ KERUTA_TASK_ID: 't1', EXTRA: 'fine', PATH: '/b/bin:/usr/bin' });
  });

  test('leaves out lists and objects that the kernel would refuse, and says so', () => {
    const { env, leftOut } = make({}, { big: ['x'.repeat(maxVariableBytes)], nul: ['a\0b'], ok: 'y' });
    expect(leftOut).toEqual(['KERUTA_PARAM_BIG']);
    expect(env).not.toHaveProperty('KERUTA_PARAM_BIG');
    expect(env).toMatchObject({ KERUTA_PARAM_OK: 'y', KERUTA_PARAM_NUL: '["a\\u0000b"]' });
  });

  test('takes a text up to what the kernel takes, and refuses one that is longer or has a NUL byte', () => {
    const room = maxVariableBytes - 'KERUTA_PARAM_BIG'.length - 2;
    expect(make({}, { big: 'x'.repeat(room) }).env.KERUTA_PARAM_BIG).toHaveLength(room);
    expect(() => make({}, { big: 'x'.repeat(room + 1) })).toThrow(
      `KERUTA_PARAM_BIG has ${room + 1} bytes, and the environment takes at most ${room} of it`,
    );
    expect(() => make({}, { big: 'あ'.repeat(Math.ceil((room + 1) / 3)) })).toThrow('KERUTA_PARAM_BIG has');
    expect(() => make({}, { nul: 'a\0b' })).toThrow('KERUTA_PARAM_NUL has a NUL byte');
  });
});
