/**
 * When `error.log` grows: counts what went wrong, the most frequent first. The file is in the directory `log` below the one that
 * this is started in; other files there do not count, and none below it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { agent, watch } from 'keruta';

const folder = resolve('log');
mkdirSync(folder, { recursive: true });

export const analyzeErrors = watch.directory(
  folder,
  { pattern: '/error.log', settleSeconds: 1 },
  agent({ description: 'Finds what goes wrong most often' }, async (filePath: string) => {
    const counts = new Map<string, number>();
    for (const line of readFileSync(filePath, 'utf8').split('\n').filter(Boolean)) {
      // times and numbers differ from line to line
      const pattern = line.replace(/^\S+ /, '').replace(/\d+/g, 'N');
      counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
    }
    const sorted = [...counts].sort(([, a], [, b]) => b - a);
    return sorted.map(([pattern, count]) => `${count} times: ${pattern}`).join('\n');
  }),
);
