import { describe, expect, test } from 'vitest';
import { InputError } from '../../../internal/domain/errors.ts';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import { readRunnerFile } from '../../../internal/runner/runner-file.ts';

type Env = Readonly<Record<string, string>>;

const read = (value: unknown, env: Env = {}) => readRunnerConfig({ value, file: 'runner.yaml', env });
const readText = (text: string, env: Env = {}) =>
  readRunnerConfig({ ...readRunnerFile(text, { file: 'runner.yaml', code: 'KERUTA_ERR_CONFIG' }), env });

function refusal(action: () => unknown): InputError {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a configuration of the runner', () => {
  test('has the usual values when nobody says anything', () => {
    const usual = {
      ...{ executionMode: 'local-process', coder: null, timeoutMs: 1_800_000, gitTokenVariable: 'GIT_TOKEN' },
      services: { taskRegistryUrl: null, repoPoolUrl: null, artifactStoreUrl: null },
      retries: { git: 3, network: 3 },
      limits: { memoryMb: null, cpuPercent: null },
      log: { level: 'INFO', isStructured: true },
      branch: { template: null },
      commit: {
        ...{ template: null, signing: null, maxFileBytes: 10 * 1024 * 1024 },
        author: { name: 'keruta', email: 'keruta@localhost' },
      },
      tests: { command: null, report: null, timeoutMs: 600_000, rounds: 3 },
      ...{ docker: null, kubernetes: null },
    };
    expect(read(null)).toEqual(usual);
    expect(readText('')).toEqual(usual);
    expect(readText('# nothing yet\n')).toEqual(usual);
    expect(read({})).toEqual(usual);
  });

  test('takes the shape for this machine', () => {
    const config = readText(`
execution_mode: local-process
default_timeout_seconds: 900
log_level: warning
structured_logging: false
task_registry_url: http://localhost:8001
repo_pool_url: http://localhost:8002/
artifact_store_url: http://localhost:8003/store
llm:
  model: gpt-4
  timeout_seconds: 120
git_retry_count: 5
network_retry_count: 0
llm_retry_count: 7
max_memory_mb: 2048
max_cpu_percent: 80
git_token_env_var: MY_GIT_TOKEN
llm_api_key_env_var: MY_KEY
mask_secrets: true
`);
    expect(config).toMatchObject({
      timeoutMs: 900_000,
      log: { level: 'WARN', isStructured: false },
      services: {
        taskRegistryUrl: 'http://localhost:8001',
        repoPoolUrl: 'http://localhost:8002',
        artifactStoreUrl: 'http://localhost:8003/store',
      },
      retries: { git: 5, network: 0 },
      limits: { memoryMb: 2048, cpuPercent: 80 },
      gitTokenVariable: 'MY_GIT_TOKEN',
      coder: {
        ...{ kind: 'endpoint', model: 'gpt-4', baseUrl: 'https://api.openai.com/v1' },
        ...{ keyVariable: 'MY_KEY', timeoutMs: 120_000, retryCount: 7 },
      },
    });
  });

  test('takes the shape for containers', () => {
    const docker = { docker_image: 'acme/runner:1', docker_volumes: { '/var/work': '/workspaces' } };
    expect(read({ execution_mode: 'docker', ...docker })).toMatchObject({
      executionMode: 'docker',
      docker: { image: 'acme/runner:1', volumes: { '/var/work': '/workspaces' } },
    });
    const pod = { k8s_namespace: 'necrocode', k8s_image: 'acme/runner:1', k8s_secrets: ['git-token'] };
    for (const mode of ['kubernetes', 'k8s'])
      expect(read({ execution_mode: mode, ...pod })).toMatchObject({
        executionMode: 'kubernetes',
        kubernetes: { namespace: 'necrocode', image: 'acme/runner:1', secrets: ['git-token'] },
      });
  });

  test('takes what concerns branch, commits and tests', () => {
    const config = read({
      ...{ branch_template: 'bot/{spec}/{task}', commit_template: '{title} ({task})' },
      author: { name: 'Bot', email: 'bot@example.com' },
      signing: { format: 'ssh', key: '/keys/id' },
      ...{ max_file_bytes: 1000, test_command: '', test_report: 'out/junit.xml' },
      ...{ test_timeout_seconds: 1.5, test_rounds: 0 },
    });
    expect(config).toMatchObject({
      branch: { template: 'bot/{spec}/{task}' },
      commit: {
        ...{ template: '{title} ({task})', maxFileBytes: 1000 },
        author: { name: 'Bot', email: 'bot@example.com' },
        signing: { format: 'ssh', key: '/keys/id' },
      },
      tests: { command: '', report: 'out/junit.xml', timeoutMs: 1500, rounds: 0 },
    });
  });

  test('takes a coder, which has the key and the repetitions of the whole unless it has its own', () => {
    expect(read({ coder: { agent: 'claude', model: 'opus' } }).coder).toMatchObject({ name: 'claude' });
    const whole = { llm_api_key_env_var: 'WHOLE_KEY', llm_retry_count: 1 };
    const coder = { agent: 'endpoint', endpoint: 'http://127.0.0.1:1/v1' };
    expect(read({ ...whole, coder }).coder).toMatchObject({ keyVariable: 'WHOLE_KEY', retryCount: 1 });
    const own = { ...coder, key_variable: 'OWN_KEY', llm_retry_count: 9 };
    expect(read({ ...whole, coder: own }).coder).toMatchObject({ keyVariable: 'OWN_KEY', retryCount: 9 });
  });
});

describe('variables', () => {
  test('win over the file', () => {
    const file = { task_registry_url: 'http://file:1', log_level: 'ERROR', default_timeout_seconds: 1 };
    const env = {
      ...{ TASK_REGISTRY_URL: 'http://env:8001', REPO_POOL_URL: 'http://env:8002' },
      ...{ ARTIFACT_STORE_URL: 'https://env:8003/', RUNNER_LOG_LEVEL: 'debug', RUNNER_TIMEOUT: '60' },
    };
    expect(read(file, env)).toMatchObject({
      services: {
        taskRegistryUrl: 'http://env:8001',
        repoPoolUrl: 'http://env:8002',
        artifactStoreUrl: 'https://env:8003',
      },
      ...{ timeoutMs: 60_000, log: { level: 'DEBUG' } },
    });
  });

  test('may be a duration, and count as unset when they are empty', () => {
    expect(read({}, { RUNNER_TIMEOUT: '90m' }).timeoutMs).toBe(5_400_000);
    const config = read({ default_timeout_seconds: 5 }, { RUNNER_TIMEOUT: ' ', TASK_REGISTRY_URL: '' });
    expect(config).toMatchObject({ timeoutMs: 5000, services: { taskRegistryUrl: null } });
  });

  test.each([
    ['RUNNER_TIMEOUT', 'soon', 'expected seconds, or a duration such as 30m'],
    ['RUNNER_TIMEOUT', '0', 'expected seconds, or a duration such as 30m'],
    ['RUNNER_LOG_LEVEL', 'loud', 'expected one of DEBUG, INFO, WARN, ERROR'],
    ['REPO_POOL_URL', 'localhost:8002', 'expected an address such as http://localhost:8001'],
    ['TASK_REGISTRY_URL', 'http://me:pw@host', 'expected an address without user, password, ? and #'],
  ])('that hold something else are named: %s=%s', (name, text, words) => {
    const { code, message } = refusal(() => read({}, { [name]: text }));
    expect(code).toBe('KERUTA_ERR_CONFIG');
    expect(message).toMatch(new RegExp(`^${name}: `));
    expect(message).toContain(words);
    expect(message).not.toContain('pw');
  });
});

describe('what is wrong is told', () => {
  test('all at once, each with file, line and field', () => {
    const { code, message, details } = refusal(() =>
      readText(
        `default_timeout_second: 60
git_retry_count: many
llm:
  model: gpt-4
  timout_seconds: 5
coder:
  agent: claud
`,
        { RUNNER_LOG_LEVEL: 'x' },
      ),
    );
    expect(code).toBe('KERUTA_ERR_CONFIG');
    expect(message.split('\n').sort()).toEqual([
      'RUNNER_LOG_LEVEL: expected one of DEBUG, INFO, WARN, ERROR',
      'runner.yaml:1: default_timeout_second: there is no such key; did you mean default_timeout_seconds?',
      'runner.yaml:2: git_retry_count: expected number, got string',
      expect.stringMatching(
        /^runner\.yaml:5: llm\.timout_seconds: there is no such key; did you mean timeout_seconds/,
      ),
      expect.stringMatching(/^runner\.yaml:7: coder\.agent: /),
    ]);
    expect(details.faults).toContainEqual(
      expect.objectContaining({ file: 'runner.yaml', line: 2, field: 'git_retry_count' }),
    );
  });

  test.each<[string, unknown, string]>([
    ['a text', 'fast', 'runner.yaml: expected object, got string'],
    ['a list', [], 'runner.yaml: expected object, got array'],
    ['masking turned off', { mask_secrets: false }, 'secrets are always masked, which cannot be turned off'],
    ['a mode that is not known', { execution_mode: 'dokcer' }, 'did you mean docker?'],
    ['both forms of a coder', { llm: {}, coder: { agent: 'claude' } }, 'llm: expected llm or coder'],
    [
      'a container without an image',
      { execution_mode: 'docker' },
      'docker_image: expected the name of an image',
    ],
    ['a pod without an image', { execution_mode: 'kubernetes' }, 'k8s_image: expected the name of an image'],
    [
      'a volume at a relative path',
      { docker_volumes: { work: '/w' } },
      'expected the absolute path of a directory',
    ],
    [
      'a volume to a relative path',
      { docker_volumes: { '/w': 'w' } },
      'expected the absolute path of a place in',
    ],
    [
      'a template with an unknown place',
      { branch_template: 'x/{tusk}' },
      'branch_template: The template has the',
    ],
    ['a template that makes no branch', { branch_template: 'x y' }, 'it holds a space'],
    [
      'a message with an unknown place',
      { commit_template: '{who}' },
      'commit_template: The template has the',
    ],
    [
      'an author with an angle bracket',
      { author: { name: 'a<b', email: 'e' } },
      'author.name: expected one line',
    ],
    [
      'an ssh key by name',
      { signing: { format: 'ssh', key: 'id' } },
      'signing.key: expected the absolute path',
    ],
    [
      'a report outside',
      { test_report: '../junit.xml' },
      'test_report: expected a path below the repository',
    ],
    ['no time at all', { default_timeout_seconds: 0 }, 'expected more than 0, got 0'],
    ['rounds without end', { test_rounds: 1000 }, 'test_rounds: expected at most 20, got 1000'],
    ['a service with credentials', { repo_pool_url: 'http://u:secret@h' }, 'without user, password'],
    [
      'a service by another scheme',
      { repo_pool_url: 'grpc://h' },
      'repo_pool_url: expected an address such as',
    ],
    ['a variable that is none', { git_token_env_var: 'MY TOKEN' }, 'expected the name of a variable'],
  ])('of %s', (_, value, words) => expect(refusal(() => read(value)).message).toContain(words));

  test.each([
    ['llm', { llm: { api_key: 'sk-secret' } }],
    ['the whole', { api_key: 'sk-secret' }],
    ['a coder', { coder: { agent: 'endpoint', api_key: 'sk-secret' } }],
  ])('of a key in %s, without the key', (_, value) => {
    const { message } = refusal(() => read(value));
    expect(message).toMatch(
      /api_key: (a key does not belong in a file; name its variable by llm_api_key_env_var|there is no such key)/,
    );
    expect(message).not.toContain('sk-secret');
  });

  test('of a text that is no YAML, and of two documents', () => {
    expect(refusal(() => readText('a: [1\n')).message).toMatch(/^runner\.yaml:\d+: /);
    expect(refusal(() => readText('{}\n---\n{}\n')).message).toBe(
      'runner.yaml:3: expected one document in a file, got a second one',
    );
  });
});
