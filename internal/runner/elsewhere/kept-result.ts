import { join } from 'node:path';
import { writeJsonFile } from '../../../pkg/files/json-file.ts';
import { resultFile } from '../do-task.ts';
import type { RunnerResult } from '../runner.ts';

/** Writes the result down that was handed over. A task whose files were lost on the way has failed, whatever it says itself. */
export function keepResult(directory: string, text: string, lost: readonly string[]): void {
  const result = JSON.parse(text) as RunnerResult;
  const error = {
    kind: 'ArtifactUploadError' as const,
    message: `${lost.length} of the files that were made did not come back from the pod: ${lost[0] ?? ''}. Name an artifact_store_url, or have the cluster keep longer logs.`,
    details: lost.slice(0, 50),
  };
  const told = lost.length === 0 || result.error !== null ? result : { ...result, success: false, error };
  writeJsonFile(join(directory, resultFile), told, { isPlain: true, sync: true });
}
