import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../cmd/harness.ts';
import { useUp } from '../cmd/up-in-home.ts';
import { unknownWords } from '../deploy/deployment-files.ts';
import { commandsOf, follow, readGuide, writeFile } from './guide.ts';

const guide = readGuide('docs/migration.md');
const place = useUp();
beforeAll(() => {
  for (const [name, words] of [
    ['count-shelf.sh', 'counted by the script'],
    ['ask-agent.sh', 'counted by the agent'],
  ] as const) {
    writeFileSync(join(place.home, name), `#!/bin/sh\necho ${words}\n`);
    chmodSync(join(place.home, name), 0o755);
  }
});

describe('the guide to migration', () => {
  const [crontab = ''] = guide.blocks('text');
  const [imported = '', ...files] = guide.blocks('yaml');

  test('shows what is made of its crontab, and names what does not fit', async () => {
    const { out, err, status } = await cli(['cron', 'import'], {
      stdin: crontab,
      env: { TZ: 'Europe/Berlin' },
    });
    expect([status, out]).toEqual([1, imported]);
    expect(err.match(/^left out: line \d+/gm)).toEqual(['left out: line 7', 'left out: line 8']);
  });

  test('goes from cron to an agent and back, command by command', async () => {
    const ran: string[] = [];
    const keruta = (words: readonly string[]) => place.keruta(words, { cwd: place.home });
    for (const { language, inner } of guide.all) {
      // what its schedule starts meanwhile would be in the way of what is fired by hand
      if (files.includes(inner)) writeFile(inner.replaceAll('*/30 9-17 * * 1-5', '0 0 1 1 *'), place.home);
      for (const line of language === 'console' ? commandsOf(inner) : []) {
        const [result] = await follow([line], keruta);
        if (line.startsWith('trigger fire')) ran.push((await place.ended(result?.out.trim() ?? '')).log);
      }
    }
    expect(ran.length).toBeGreaterThan(2);
    expect(new Set(ran.map((log) => log.trim()))).toEqual(
      new Set(['counted by the script', 'counted by the agent']),
    );
    const { out } = await keruta(['workflow', 'compare', 'count-shelf', '--json']);
    expect(JSON.parse(out)).toMatchObject({ migrationWeight: 0 });
  }, 240_000);

  test('names commands and options that exist in its sentences too', async () => {
    const lines = guide.inline.filter((text) => text.startsWith('keruta '));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines)
      expect([line, await unknownWords(line.split(' ').slice(1))]).toEqual([line, []]);
  });
});
