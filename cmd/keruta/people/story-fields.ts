/** The story of an agent task, for people: what was wanted, how its phases went, what came of it. */
import { z } from 'zod';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { ArtifactWire, TaskWire } from '../../../internal/api/shapes.ts';
import { NotFoundError } from '../../../internal/domain/errors.ts';
import { resultFields } from '../../../internal/runner/result-words.ts';
import type { RunnerResult } from '../../../internal/runner/runner.ts';

type Fields = readonly (readonly [string, string | null])[];

/** More is no result; bytes. */
const maxResultBytes = 4 * 1024 * 1024;
/** What has to be there, whatever version wrote it. */
const resultShape = z.looseObject({
  success: z.boolean(),
  error: z.looseObject({ kind: z.string(), message: z.string(), details: z.array(z.string()) }).nullable(),
  phases: z.array(
    z.looseObject({ phase: z.string(), outcome: z.string(), message: z.string(), durationMs: z.number() }),
  ),
  artifacts: z.array(
    z.looseObject({ type: z.string(), name: z.string(), uri: z.string(), sizeBytes: z.number() }),
  ),
  durationMs: z.number(),
});

/** What is wanted of a task; nothing for a script. */
export function wishFields({ kind, context }: TaskWire): Fields {
  if (context === null) return [];
  return [
    ['kind', kind],
    ['wanted', context.description === '' ? null : (context.description.split('\n')[0] ?? null)],
    ...context.acceptanceCriteria.map((one) => ['criterion', one] as const),
    ['playbook', context.playbook],
    ['skill', context.requiredSkill],
    ['publish', context.publish],
  ];
}

/** What the runner of a task left; null while there is none, or where it is no result. */
export async function readResult(
  client: ApiClient,
  task: Pick<TaskWire, 'id' | 'kind'>,
  signal: AbortSignal,
): Promise<RunnerResult | null> {
  if (task.kind === 'script') return null;
  const found = await newestOf(client, { id: task.id, path: 'result.json', signal });
  if (found === null || found.size > maxResultBytes) return null;
  const read = resultShape.safeParse(parse(await textOf(client, found, signal)));
  return read.success ? (read.data as unknown as RunnerResult) : null;
}

/** How it went. */
export function storyFields(result: RunnerResult | null): Fields {
  if (result === null) return [];
  const { error } = result;
  return [
    ...(error === null ? [] : [['failed', `${error.kind}: ${error.message}`] as const]),
    ...(error?.details ?? []).slice(0, 10).map((line) => ['', line] as const),
    ...resultFields(result),
  ];
}

/** The newest artifact of this path; null = there is none. */
export async function newestOf(
  client: ApiClient,
  { id, path, signal }: { readonly id: string; readonly path: string; readonly signal: AbortSignal },
): Promise<ArtifactWire | null> {
  try {
    const all = await client.artifacts.list(id, { signal });
    return all.findLast((one) => one.path === path) ?? null;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

async function textOf(client: ApiClient, artifact: ArtifactWire, signal: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await client.artifacts.content(artifact.taskId, artifact.id, { signal }))
    pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
