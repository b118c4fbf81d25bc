import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandLoaders } from '../../cmd/keruta/commands.ts';
import { readLine } from '../../cmd/keruta/read-line.ts';
import { route } from '../../cmd/keruta/route.ts';
import { publishWishes } from '../../internal/domain/task-context.ts';
import { configShape } from '../../internal/runner/config-shape.ts';
import { configVariables } from '../../internal/runner/config-variables.ts';
import { oneSpelling, runnerTaskShape } from '../../internal/runner/context-shape.ts';
import { readRunnerConfig } from '../../internal/runner/read-config.ts';
import { readRunnerTask } from '../../internal/runner/read-context.ts';
import { runnerErrorKinds } from '../../internal/runner/runner.ts';
import { readRunnerFile } from '../../internal/runner/runner-file.ts';
import { serviceTokens } from '../../internal/runner/services/make-services.ts';
import { readGuide } from './guide.ts';

const guide = readGuide('docs/agent-tasks.md');
const part = (heading: string) => guide.text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
const files = new Map(
  guide.blocks('yaml').map((text) => [/^# (\S+)\n/.exec(text)?.[1] ?? '', parse(text) as object]),
);
/** What stands between backquotes in the first cells of a table. */
const keysOf = (heading: string) =>
  [...part(heading).matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell = '']) => cellKeys(cell));
const cellKeys = (cell: string) =>
  [...cell.replace(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, key = '']) => key);

describe('the guide to agent tasks', () => {
  test('has a context that can be read', () => {
    const task = readRunnerTask({ value: files.get('context.yaml'), file: 'context.yaml' });
    expect(task).toMatchObject({ kind: 'agent', context: { taskId: '1.1', publish: publishWishes[1] } });
  });

  test('shows faults as they are told', () => {
    const text = 'taskId: 1.1\ntitel: x\nbranch_name: a..b\nslot_path: /x\ntitle: t\n';
    const read = () =>
      readRunnerTask(readRunnerFile(text, { file: 'context.yaml', code: 'KERUTA_ERR_TASK_CONTEXT' }));
    const shown = guide.blocks('text')[0]?.trim().split('\n') ?? [];
    expect(shown).toHaveLength(3);
    for (const line of shown) expect(read).toThrow(line);
  });

  test.each(['runner.yaml', 'runner.docker.yaml', 'runner.k8s.yaml'])('has a %s that can be read', (file) => {
    const config = readRunnerConfig({ value: files.get(file) ?? 'missing', file, env: {} });
    expect(config.coder).not.toBeNull();
  });

  test('has a runner.yaml that repeats defaults', () => {
    const { coder, limits, ...config } = readRunnerConfig({
      value: files.get('runner.yaml'),
      file: '',
      env: {},
    });
    const { coder: _, limits: __, ...usual } = readRunnerConfig({ value: null, file: '', env: {} });
    expect(config).toEqual(usual);
    expect(coder).toMatchObject({ model: 'gpt-4', timeoutMs: 120_000 });
    expect(limits).toEqual({ memoryMb: 2048, cpuPercent: 80 });
  });

  test('names every key of a context, and no other', () => {
    expect(keysOf('Context').map(oneSpelling).sort()).toEqual(Object.keys(runnerTaskShape.shape).sort());
  });

  test('names every key of a configuration, and no other', () => {
    const known = Object.keys(configShape.shape).filter((key) => key !== 'api_key');
    expect(keysOf('Configuration').sort()).toEqual(known.sort());
  });

  test('names every variable, every token and every kind of error', () => {
    for (const name of [...Object.keys(configVariables), ...Object.values(serviceTokens)])
      expect(guide.inline).toContain(name);
    expect(keysOf('Errors')).toEqual([...runnerErrorKinds]);
  });

  test('has a body for POST /runs that is taken, and names the fields of its answers', async () => {
    const body = JSON.parse(guide.blocks('json')[0] ?? '') as { context: object; config: object };
    expect(Object.keys(body)).toEqual(['context', 'config']);
    expect(readRunnerTask({ value: body.context, file: 'context' }).context.taskId).toBe('1.1');
    expect(readRunnerConfig({ value: body.config, file: 'config', env: {} }).coder).not.toBeNull();
    for (const name of [
      'id',
      'title',
      'state',
      'created_at',
      'ended_at',
      'exit_code',
      'result',
      'next_offset',
    ])
      expect(guide.inline).toContain(name);
  });

  test('has an example of the library with what that exports', async () => {
    const [example = ''] = guide.blocks('ts');
    const library = (await import('../../lib/src/index.ts')) as Record<string, unknown>;
    const names = /import \{ ([\w, ]+) \} from 'keruta'/.exec(example)?.[1]?.split(', ') ?? [];
    expect(names).toEqual(['run']);
    expect(names.map((name) => typeof library[name])).toEqual(['function']);
  });

  test.each(['docs/agent-tasks.md', 'docs/scripts.md'])('%s has commands that can be read', async (page) => {
    const { commands } = readGuide(page);
    expect(commands.length).toBeGreaterThan(1);
    for (const line of commands) {
      const words = line.replace(/^keruta /, '').split(' ');
      const routed = route(words, Object.keys(commandLoaders));
      if (routed.kind !== 'command') throw new Error(line);
      const command = await commandLoaders[routed.name]?.();
      if (command === undefined) throw new Error(line);
      expect(() => readLine(routed.rest, command)).not.toThrow();
    }
  });
});
