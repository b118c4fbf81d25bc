import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRunnerParts } from '../../../cmd/keruta/runner/runner-parts.ts';
import { loadSettings } from '../../../internal/config/load-settings.ts';
import { readRunnerConfig } from '../../../internal/runner/read-config.ts';
import { systemClock } from '../../../pkg/clock/system-clock.ts';
import { systemRandom } from '../../../pkg/random/random.ts';
import { temporaryDirectory } from '../../fixtures/git.ts';

/** What a runner of this configuration works with in this environment. */
async function partsOf(file: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>>) {
  const home = temporaryDirectory('home');
  const stderr = { write: () => Promise.resolve(), isTerminal: false, columns: 80 };
  const context = { clock: systemClock, random: systemRandom, version: '1', home, cwd: home, env, stderr };
  const { parts, close } = await makeRunnerParts(
    context as unknown as Parameters<typeof makeRunnerParts>[0],
    {
      settings: loadSettings({ env: {}, home, uid: 1000, cwd: home }),
      config: readRunnerConfig({ value: file, file: 'runner.yaml', env }),
      directory: join(home, 'state'),
      run: null,
      signal: new AbortController().signal,
    },
  );
  await close();
  return parts;
}

const lent = { KERUTA_LENT_GIT_TOKEN: 'ghs_lent-for-reading' };

test.each([
  ['GIT_TOKEN', {}],
  ['MY_TOKEN', { git_token_env_var: 'MY_TOKEN' }],
])('the token of %s pushes, and what was lent reads; nobody else gets either', async (name, file) => {
  const parts = await partsOf(file, { ...lent, [name]: 'ghp_own', CI: 'true' });
  expect(parts.pushCredentials()?.password).toBe('ghp_own');
  expect(parts.pool.credentials?.()?.password).toBe(lent.KERUTA_LENT_GIT_TOKEN);
  expect([parts.env, parts.commandEnv]).toEqual([{ CI: 'true' }, { CI: 'true' }]);
  expect(parts.secrets.map(({ value }) => value)).toEqual(
    expect.arrayContaining(['ghp_own', lent.KERUTA_LENT_GIT_TOKEN]),
  );
});

test('without anything lent the own token reads too; without an own one nothing is pushed with', async () => {
  const own = await partsOf({}, { GIT_TOKEN: 'ghp_own' });
  expect(own.pool.credentials?.()?.password).toBe('ghp_own');
  const other = await partsOf({}, lent);
  expect([other.pushCredentials(), other.env]).toEqual([null, {}]);
});

test('the key of a model is read from its file, masked, and given to no program', async () => {
  const file = join(temporaryDirectory('keys'), 'openai');
  writeFileSync(file, 'sk-the-key-of-the-model\n');
  const parts = await partsOf({ llm: { model: 'gpt-4' } }, { OPENAI_API_KEY_FILE: file, CI: 'true' });
  expect(parts.secretOf('OPENAI_API_KEY')?.trim()).toBe('sk-the-key-of-the-model');
  expect(parts.secrets.map(({ value }) => value)).toContain('sk-the-key-of-the-model');
  expect(parts.commandEnv).toEqual({ CI: 'true' });
  const missing = partsOf({ llm: { model: 'gpt-4' } }, { OPENAI_API_KEY_FILE: join(file, 'gone') });
  await expect(missing).rejects.toMatchObject({ code: 'KERUTA_ERR_FILE_NOT_FOUND' });
});

test('skills of the repository are those of the focus and of the required skill', async () => {
  const tree = temporaryDirectory('tree');
  for (const name of ['backend', 'css', 'sql']) {
    mkdirSync(join(tree, '.keruta', 'skills', name), { recursive: true });
    writeFileSync(
      join(tree, '.keruta', 'skills', name, 'SKILL.md'),
      `---\nname: ${name}\ndescription: How ${name} is done.\nfocus: ${name}\n---\nWords of ${name}.\n`,
    );
  }
  const { skillsOf } = await partsOf({}, {});
  const text = await skillsOf({ directory: tree, focus: ['css'], requiredSkill: 'sql' });
  expect(text).toContain('Words of css.');
  expect(text).toContain('Words of sql.');
  expect(text).not.toContain('Words of backend.');
  expect(
    await skillsOf({ directory: temporaryDirectory('bare'), focus: [], requiredSkill: null }),
  ).toBeNull();
});
