/** What is wanted of an agent task, as clients write it. The names are those of `TaskContext`. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { focusPattern, maxFocuses } from './focus.ts';
import { publishWishes, type TaskContext } from './task-context.ts';

const maxTextChars = 100_000;
const text = z.string().max(maxTextChars);
const lineOf = (what: string) =>
  z
    .string(what)
    .trim()
    .min(1)
    .max(500, 'expected at most 500 characters')
    .regex(/^[^\p{Cc}]*$/u, 'expected one line');
const optionalLine = lineOf('expected a text; a number needs quotes').nullable().default(null);
const branch = z.string().max(255).nullable().default(null);

/** The fields, each with its default; only the title is needed. */
export const contextFields = {
  taskId: optionalLine,
  specName: optionalLine,
  title: lineOf('expected a text that says what is wanted'),
  description: text.default(''),
  acceptanceCriteria: z.array(z.string().trim().min(1).max(10_000)).max(200).default([]),
  requiredSkill: optionalLine,
  focus: z
    .array(z.string().regex(focusPattern, 'expected at most 100 characters, no comma, no blank at an end'))
    .max(maxFocuses)
    .default([]),
  branchName: branch,
  targetBranch: branch,
  playbook: z
    .string()
    .min(1)
    .max(4096)
    .refine((path) => isBelow(path), 'expected a path below the repository')
    .nullable()
    .default(null),
  slotId: optionalLine,
  slotPath: z
    .string()
    .max(4096)
    .refine((path) => isAbsolute(path) && !path.includes('\0'), 'expected an absolute path')
    .nullable()
    .default(null),
  publish: z.enum(publishWishes).default('branch'),
} as const satisfies { readonly [K in keyof TaskContext]: z.ZodType<TaskContext[K]> };

/** A context in a body of the API. What git says of the branches is for who knows git. */
export const contextShape = z.strictObject(contextFields);

function isBelow(path: string): boolean {
  return !isAbsolute(path) && !path.split('/').includes('..') && !path.includes('\0');
}
