import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSecrets } from '../../../internal/worker/run-secrets.ts';
import { secretsOf } from '../../../internal/worker/secrets.ts';
import { passwordsOf } from '../../../pkg/redact/passwords-of.ts';
import { heldUp } from '../../faults/lab/starvation.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

describe('secretsOf', () => {
  test('takes the tokens given and variables named like secrets, once each', () => {
    const env = { NPM_TOKEN: 'npm_12345', DB_PASSWORD: 'npm_12345', HOME: '/home/me', API_KEY: 'k-123456' };
    expect(secretsOf(env, ['krt_tsk_1', '']).values).toEqual(['krt_tsk_1', 'npm_12345', 'k-123456']);
  });

  test('names variables whose value is too short to be masked', () => {
    expect(secretsOf({ MY_SECRET: 'abc' }, [])).toEqual({ values: [], tooShort: ['MY_SECRET'] });
  });

  test('finds the passwords of addresses in any variable, and names it when one is too short', () => {
    const env = {
      PROXIES: 'http://a:secret-1@h, http://b:secret-2@h',
      REDIS_URL: 'redis://:pin@h',
      HOST: 'http://me@h',
    };
    expect(secretsOf(env, [])).toEqual({ values: ['secret-1', 'secret-2'], tooShort: ['REDIS_URL'] });
  });

  test('reads a long text in time that grows with its length only', () => {
    const [from, held] = [performance.now(), heldUp()];
    expect(passwordsOf('a'.repeat(128 * 1024))).toEqual([]);
    expect(performance.now() - from).toBeLessThan(2000 + held());
  });

  test('does not mask paths that lead to secrets', () => {
    expect(
      secretsOf({ KERUTA_API_TOKEN_FILE: '/etc/token', SSH_KEY_PATH: '/home/me/.ssh' }, []).values,
    ).toEqual([]);
  });

  test.each([
    ['https://me:p%40ssword@host/x', ['p%40ssword', 'p@ssword']],
    ['https://ghp_abcdef@github.com/x', ['ghp_abcdef']],
    ['ssh://git@host/x', []],
    ['https://host/a@b', []],
    ['postgres://u:broken%zz@h', ['broken%zz']],
  ])('finds the password of %s', (url, expected) => {
    expect(passwordsOf(url)).toEqual(expected);
  });
});

describe('runSecrets', () => {
  const of = (kind: string, env: Readonly<Record<string, string>>) =>
    runSecrets(
      {
        options: { apiToken: 'krt_ses_1', environment: {} },
        base: { localTokenFile: '/nowhere' },
      } as unknown as Parameters<typeof runSecrets>[0],
      { task: { kind }, session: {}, token: 'krt_tsk_1', environment: {} } as unknown as Parameters<
        typeof runSecrets
      >[1],
      env,
    ).values;

  test('takes also what stands in files of secrets, where a runner may read them', () => {
    const directory = temporaryDirectory('secrets');
    const put = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const env = {
      OPENAI_API_KEY_FILE: put('key', 'sk-of-a-file\n'),
      SERVICE_CREDENTIALS_FILE: put('json', '{\n  "type": "service"\n}\n'),
      SOME_TOKEN_FILE: directory,
      KERUTA_PARAMETERS_FILE: put('parameters', '{"a": 1}'),
    };
    expect(of('agent', env)).toEqual(['krt_ses_1', 'krt_tsk_1', 'sk-of-a-file']);
    expect(of('script', env)).toEqual(['krt_ses_1', 'krt_tsk_1']);
  });
});
