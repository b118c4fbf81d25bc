import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useServer } from '../cmd/server-in-home.ts';
import { follow, readGuide } from './guide.ts';

const { commands } = readGuide('docs/ledger.md');
const place = useServer();

test('every command of the guide to the ledger succeeds in turn', async () => {
  const nightly = 'name: nightly\nrun: "true"\ntriggers:\n  - type: cron\n    expression: "0 3 * * *"\n';
  writeFileSync(join(place.home, 'nightly.yaml'), nightly);
  expect(commands.length).toBeGreaterThan(10);
  await follow(['apply -f nightly.yaml', ...commands], place.keruta);
}, 60_000);
