/** The directory of an agent task that the agent's own API was handed: `<base>/own-runs/<id>`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../../../pkg/files/json-file.ts';
import { namesIn } from '../../../pkg/files/names-in.ts';
import { runFile } from '../../executor/shim/run-files.ts';
import { removeTree } from '../remove-tree.ts';

const recordShape = z.object({
  version: z.literal(1),
  id: z.string(),
  runId: z.string(),
  title: z.string(),
  /** epoch ms */
  createdAt: z.number(),
  bootId: z.string().nullable(),
  /** null: it runs, or nobody has seen its end yet */
  ended: z
    .object({
      at: z.number(),
      state: z.enum(['completed', 'failed', 'cancelled']),
      exitCode: z.number().nullable(),
    })
    .nullable(),
});

/** What is written down of such a run; 0600. */
export type OwnRun = Readonly<z.output<typeof recordShape>>;

/** Names inside the directory, beside those of the executor. */
export const ownFile = { record: 'own-run.json', context: 'context.json', config: 'config.json' } as const;

/** Writes the record of a run. */
export function writeOwnRun(directory: string, record: OwnRun): void {
  writeJsonFile(join(directory, ownFile.record), record, { sync: true });
}

/** Reads the records of all runs, oldest first. What cannot be read is no run. */
export function readOwnRuns(root: string): readonly OwnRun[] {
  const found = namesIn(root).flatMap((name) => {
    const record = recordShape.safeParse(readJsonFile(join(root, name, ownFile.record))).data;
    return record?.id === name ? [record] : [];
  });
  return found.sort((one, other) => one.createdAt - other.createdAt);
}

/** What the runner said of its task, as `--json` prints it; null: nothing that is whole. */
export function readResult(directory: string): unknown {
  try {
    return JSON.parse(readFileSync(join(directory, runFile.stdout), 'utf8'));
  } catch {
    return null;
  }
}

/** Removes a run with all that is in its directory. */
export function removeOwnRun(root: string, id: string): void {
  removeTree(join(root, id));
}
