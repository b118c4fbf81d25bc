import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { presets } from '../../internal/coder/command/presets.ts';
import { fillTemplate, templatePlaces } from '../../internal/coder/command/template.ts';
import { shellRunner } from '../../internal/coder/command-runner.ts';
import { toolsOf } from '../../internal/coder/endpoint/tools.ts';
import { makeCoder } from '../../internal/coder/make-coder.ts';
import { readCoder } from '../../internal/coder/read-coder.ts';
import { systemClock } from '../../pkg/clock/system-clock.ts';
import { makeHttp } from '../../pkg/http/http.ts';
import { systemRandom } from '../../pkg/random/random.ts';
import { calls, chatPath, done } from '../fake-server/chat.ts';
import { startFakeServer } from '../fake-server/fake-server.ts';
import { temporaryDirectory } from '../fixtures/git.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/coding-agents.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
const yaml = Object.fromEntries(
  blocks('yaml').map((text) => [/^# (\S+\.yaml)\n/.exec(text)?.[1], parse(text) as Record<string, unknown>]),
);
const rows = (heading: string) => {
  const [, table = ''] = new RegExp(`^\\| ${heading}.*\\n\\| ---.*\\n((?:\\|.*\\n)+)`, 'm').exec(guide) ?? [];
  return table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};
const bare = (cell: string | undefined) => (cell ?? '').replaceAll('`', '');

/** Works with a definition of the guide, in a slot with one text. */
async function work(definition: Record<string, unknown>) {
  const top = realpathSync(temporaryDirectory('guide'));
  const [slot, directory] = [join(top, 'slot'), join(top, 'work')];
  for (const one of [slot, directory]) mkdirSync(one);
  writeFileSync(join(slot, 'text.md'), 'teh end\n');
  writeFileSync(join(slot, 'toy-agent'), blocks('sh')[0] ?? '');
  chmodSync(join(slot, 'toy-agent'), 0o755);
  const parsed = readCoder(definition);
  const http = makeHttp({ userAgent: 'test/1' });
  const agent = makeCoder(parsed, {
    ...{ clock: systemClock, random: systemRandom, http, secrets: [], secretOf: () => 'sk-test-key' },
    runner: () => shellRunner({ clock: systemClock, random: systemRandom, workingDirectory: slot, env: {} }),
  });
  const env = { PATH: process.env.PATH ?? '' };
  const ended = await agent.work({ slot, directory, prompt: 'Spell it right.', limits: parsed.limits, env });
  await http.close();
  return { ended, text: readFileSync(join(slot, 'text.md'), 'utf8') };
}

describe('the guide to coding agents', () => {
  test('has definitions that are taken', () => {
    expect(Object.keys(yaml)).toEqual(['claude.yaml', 'toy.yaml', 'openai.yaml', 'local.yaml']);
    for (const definition of Object.values(yaml)) readCoder(definition);
  });

  test('has an agent of one’s own that works as it says', async () => {
    const { ended, text } = await work(yaml['toy.yaml']!);
    expect(text).toBe('the end\n');
    expect(ended).toMatchObject({ outcome: 'done', summary: 'spelled it right' });
    expect(ended.usage).toMatchObject({
      model: 'toy-1',
      calls: 1,
      tokensIn: 120,
      tokensOut: 30,
      costMicros: 4000,
    });
  });

  test('has a model of one’s own that works as it says', async () => {
    const server = await startFakeServer();
    const edits = [{ old: 'teh', new: 'the' }];
    server.route('POST', chatPath, calls('patch_file', { path: 'text.md', edits }), done('spelled it right'));
    const { ended, text } = await work({ ...yaml['local.yaml'], endpoint: `${server.url}/v1` });
    await server.close();
    expect([ended.outcome, text]).toEqual(['done', 'the end\n']);
    expect(server.requests[0]!.json).toMatchObject({ model: 'qwen3-coder' });
    expect(JSON.stringify(server.requests[0]!.json)).not.toContain('run_command');
  });

  test('tells the presets as they are', () => {
    const told = rows('`agent`');
    expect(told.map(([name]) => bare(name))).toEqual(Object.keys(presets));
    const values = {
      prompt_file: '',
      slot: '',
      directory: '',
      max_steps: '',
      max_seconds: '',
      model: null,
      max_cost: null,
    };
    for (const [name, called, prompt, environment] of told) {
      const preset = presets[bare(name) as keyof typeof presets];
      // what is left out without a value is told in words
      const args = preset.args.filter((word) => typeof word === 'string');
      const words = fillTemplate(args, values, []).map((word) => (word.includes(' ') ? `'${word}'` : word));
      if (name !== '`aider`') expect(bare(called)).toBe([preset.command, ...words].join(' '));
      expect(prompt).toBe(preset.prompt === 'stdin' ? 'on stdin' : 'in a file');
      expect(bare(environment)).toBe(preset.environment.join(' '));
    }
  });

  test('tells all tools, all places and all keys with their defaults', () => {
    expect(rows('tool').map(([name]) => bare(name))).toEqual(toolsOf(true).map(({ name }) => name));
    for (const place of templatePlaces) expect(guide).toContain(`\`{${place}}\``);
    const usual = readCoder({ agent: 'endpoint' });
    const given = [...guide.matchAll(/^\| `(\w+)` \|[^|]*\| ([^|]*) \|$/gm)]
      .map(([, key = '', value = '']): [string, unknown] => [key, parse(bare(value)) as unknown])
      .filter(([key]) => !toolsOf(true).some(({ name }) => name === key));
    expect(given.map(([key]) => key).sort()).toEqual([
      'commands',
      'endpoint',
      'key_variable',
      'llm_retry_count',
      'max_answer_tokens',
      'max_cost',
      'max_steps',
      'max_tokens',
      'model',
      'timeout',
      'timeout_seconds',
    ]);
    const values = Object.fromEntries(given.filter(([, value]) => value !== 'none'));
    expect(readCoder({ agent: 'endpoint', ...values })).toEqual(usual);
  });
});
