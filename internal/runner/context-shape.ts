/** What the file of a task looks like: the context of the task, and where it comes from. */
import { z } from 'zod';
import { contextFields } from '../domain/context-shape.ts';

const id = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
    'expected letters, digits, dots, dashes and underscores, at most 200',
  )
  .nullish();
const title = z.string().trim().min(1).max(500);
const object = z.record(z.string(), z.json());

/** A task that this one came from. */
export const storyShape = z.strictObject({ id, title, description: z.string().max(100_000).default('') });

/** What failed. */
export const failureShape = z.strictObject({
  errorCode: z.string().min(1).max(200),
  errorMessage: z.string().max(100_000),
  bundle: object.nullish(),
});

/** The whole, its names brought into one spelling. */
export const runnerTaskShape = z.strictObject({
  ...contextFields,
  kind: z.enum(['playbook', 'agent']).nullish(),
  id,
  sessionId: id,
  repositoryUrl: z.string().min(1).nullish(),
  ref: z.string().max(255).nullish(),
  dependencies: z.array(title).max(200).default([]),
  story: z.array(storyShape).max(50).default([]),
  parentIds: z.array(z.string().min(1).max(200)).max(50).default([]),
  parameters: object.default({}),
  failure: failureShape.nullish(),
});

/** A task that has the shape. */
export type RunnerTaskInput = z.output<typeof runnerTaskShape>;

/** Names that are taken for those of the shape. */
const otherNames: Readonly<Record<string, string>> = { playbookPath: 'playbook', parents: 'story' };

/** Brings a key into the spelling of the shape: `task_id` and `taskId` are the same. */
export function oneSpelling(key: string): string {
  const camel = key.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return otherNames[camel] ?? camel;
}

/** A key as the guide writes it. */
export function writtenAs(key: string): string {
  const shown = key === 'playbook' ? 'playbookPath' : key === 'story' ? 'parents' : key;
  return shown.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
