import { beforeEach, describe, expect, test } from 'vitest';
import type { Confined } from '../../../pkg/process/confine.ts';
import { defaultConfig, type Lab, makeLab } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = makeLab();
});

/** Limits that nobody but the runner keeps: what every machine can do. */
const confined: Confined = {
  through: [],
  memoryBytes: 60 * 1024 ** 2,
  isWatched: true,
  oomKills: () => null,
};
const eats = 'x=$(head -c 120000000 /dev/zero | tr "\\0" x); sleep 60; echo "$x"';

describe('a task with a limit of memory', () => {
  test('fails at its tests when these take more, and says how much they may have', async () => {
    const result = await lab.run({
      coder: lab.agent("cat > /dev/null; echo '// try' >> sum.js"),
      config: { tests: { ...defaultConfig.tests, command: eats, rounds: 0 } },
      parts: { confined },
    });
    expect(result.error).toMatchObject({
      kind: 'TestExecutionError',
      message: expect.stringContaining('memory ran out: it may have 60 MB with all that it starts'),
    });
  });

  test('fails at its coding agent when that takes more', async () => {
    const result = await lab.run({ coder: lab.agent(`cat > /dev/null; ${eats}`), parts: { confined } });
    expect(result.error).toMatchObject({
      kind: 'ImplementationError',
      message: expect.stringContaining('memory ran out: it may have 60 MB'),
    });
  });
});
