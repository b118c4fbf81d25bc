import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { executorRows } from '../../internal/config/executor-rows.ts';
import { kubernetesRows } from '../../internal/config/kubernetes-rows.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/executors.md'), 'utf8');

test('the guide names every setting of executors with its key and variables, and no other', () => {
  const rows = guide.split('\n').filter((line) => line.startsWith('| `') && line.includes('`KERUTA_'));
  const told = rows.map((line) => line.split('|').map((cell) => cell.trim()));
  const names = Object.values({ ...executorRows, ...kubernetesRows }).map((row) => [
    `\`${row.fileKeys[0]}\``,
    row.variables.map((name) => `\`${name}\``).join(', '),
  ]);
  expect(told.map(([, key, variables]) => [key, variables]).sort()).toEqual(names.sort());
});
