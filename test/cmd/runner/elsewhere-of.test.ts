import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ElsewhereParts, elsewhereWish } from '../../../cmd/keruta/runner/elsewhere-of.ts';
import { loadSettings } from '../../../internal/config/load-settings.ts';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import { readRunnerTask } from '../../../internal/runner/read-context.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

type Context = Parameters<typeof elsewhereWish>[0];

/** What a runner elsewhere is given for these files. */
function wishOf(given: {
  readonly task?: object;
  readonly config?: object;
  readonly env?: Record<string, string>;
}) {
  const env = given.env ?? {};
  const task = {
    value: { title: 'A task', repository_url: 'https://git.example/a.git', ...given.task },
    file: 'task',
  };
  const config = {
    value: { execution_mode: 'docker', docker_image: 'image', max_memory_mb: 500, ...given.config },
    file: 'config',
  };
  const settings = loadSettings({ env: {}, home: '/home/ann', uid: 1000, cwd: '/work' });
  const parts: ElsewhereParts = {
    settings,
    task: readRunnerTask(task),
    config: readRunnerConfig({ ...config, env }),
    files: { task, config },
    run: null,
  };
  return elsewhereWish({ env, json: false } as unknown as Context, parts);
}

describe('a runner elsewhere', () => {
  test('gets the configuration without what is about its place', () => {
    const { config } = wishOf({
      config: { docker_volumes: { '/a': '/b' }, max_cpu_percent: 50, test_command: 'make' },
    });
    expect(config).toEqual({ execution_mode: 'local-process', test_command: 'make' });
  });

  test('gets the task under the id that it has here', () => {
    const { context } = wishOf({ task: { task_id: '1.1', id: 'the-id' } });
    expect(context).toEqual({
      ...{ title: 'A task', repository_url: 'https://git.example/a.git', task_id: '1.1', id: 'the-id' },
    });
  });

  test('in a pod is told nothing of how the cluster is reached, and of no volume of an engine', () => {
    const { config, env, context } = wishOf({
      config: {
        ...{ execution_mode: 'k8s', k8s_namespace: 'acme', k8s_image: 'image', k8s_secrets: ['git-token'] },
        docker_volumes: { '/work': '/inside' },
      },
      task: { slot_path: '/work/slot' },
      env: {
        ...{ KUBECONFIG: '/home/ann/.kube/config', KERUTA_KUBERNETES_CONTEXT: 'prod', CI: 'true' },
        ...{ KERUTA_RUNNER_RELAY: '{}', KUBERNETES_SERVICE_HOST: '10.0.0.1' },
      },
    });
    expect(config).toEqual({ execution_mode: 'local-process' });
    expect(env).toEqual({ CI: 'true' });
    expect(context).toMatchObject({ slotPath: '/work/slot' });
  });

  test('gets secrets of files as values, the rest of the environment, and nothing that is about this process', () => {
    const directory = temporaryDirectory('secrets');
    writeFileSync(join(directory, 'token'), 'of git\n');
    const { env } = wishOf({
      config: { llm: { model: 'gpt-4' } },
      env: {
        ...{ GIT_TOKEN_FILE: join(directory, 'token'), OPENAI_API_KEY: 'of the model', CI: 'true' },
        ...{
          KERUTA_BASE_DIR: '/here',
          KERUTA_DOCKER_HOST: 'unix:///x',
          NODE_OPTIONS: '--inspect',
          KERUTA_TASK_ID: 't',
        },
      },
    });
    expect(env).toEqual({
      GIT_TOKEN: 'of git',
      OPENAI_API_KEY: 'of the model',
      CI: 'true',
      KERUTA_TASK_ID: 't',
    });
  });

  test('finds programs and slots at the place of their volume, or where they are here', () => {
    const directory = temporaryDirectory('work');
    for (const name of ['inside', 'outside']) mkdirSync(join(directory, name));
    const program = join(directory, 'outside', 'agent');
    writeFileSync(program, '');
    const wish = wishOf({
      task: { slotPath: join(directory, 'inside', 'slot') },
      config: {
        docker_volumes: { [join(directory, 'inside')]: '/work' },
        coder: { agent: 'custom', command: program },
      },
    });
    expect(wish.context).toMatchObject({ slotPath: '/work/slot' });
    expect(wish.config).toMatchObject({ coder: { agent: 'custom', command: program } });
    expect([wish.readable, wish.shared]).toEqual([[program], []]);
  });
});
