/** What a playbook looks like as people write it. */
import { z } from 'zod';
import { maxConditionLength } from './condition/expression.ts';
import { maxSteps } from './playbook.ts';

/** Of one attempt: what timers take, a good three weeks; s. */
const maxTimeoutSeconds = 2_000_000;

const outputName = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number, true or false');
const text = (max: number) => z.string().max(max);

const env = z
  .record(
    z.string().regex(variableName, 'expected letters, digits and underscores, not beginning with a digit'),
    scalar,
  )
  .optional();

/** Program and arguments as one text, such as `python3 -c`; the command is the last argument. */
const shell = text(1000).min(1).optional();

/** A step. */
export const stepShape = z.strictObject({
  /** what it is called; conditions of later steps know it by this */
  name: text(200).trim().min(1),
  /** what is run */
  command: text(100_000).min(1),
  /** longest time of one attempt; default: no limit */
  timeout_seconds: z.number().positive().max(maxTimeoutSeconds).optional(),
  /** how often it is tried again after a failure, after 1, 2, 4 … at most 30 seconds; default 0 */
  retry_count: z.int().min(0).max(100).optional(),
  /** the step is skipped when it is not met; default: it is met */
  condition: z
    .union(
      [text(maxConditionLength).min(1), z.boolean()],
      `expected a text of at most ${maxConditionLength} characters`,
    )
    .optional(),
  /** whether its failure keeps later steps from running; the playbook has failed either way; default true */
  fail_fast: z.boolean().optional(),
  /** whether its failure counts for nothing; default false */
  continue_on_error: z.boolean().optional(),
  /** whether it also runs after a failure or a stop; default false */
  always: z.boolean().optional(),
  /** variables for its command; values may have places such as `${{ matrix.node }}` */
  env,
  /** where it runs, relative to where the playbook runs; may have places */
  workdir: text(4096).min(1).optional(),
  /** program and arguments that get the command as the last one; default: the playbook's, else bash or sh, which end at the first failure */
  shell,
  /** names of values that it writes to `$KERUTA_OUTPUT`, and has to */
  outputs: z
    .array(z.string().regex(outputName, 'expected letters, digits, dashes and underscores, at most 100'))
    .max(100)
    .optional(),
  /** a pattern, or a list of patterns, of files that are kept; may have places */
  artifacts: z
    .union(
      [text(200).min(1), z.array(text(200).min(1)).max(100)],
      'expected a pattern of at most 200 characters, or a list of at most 100 of them',
    )
    .optional(),
  /** names and their values: the step runs once for each combination */
  matrix: z
    .record(
      z.string().regex(outputName, 'expected letters, digits, dashes and underscores, at most 100'),
      z.array(scalar).min(1).max(1000),
    )
    .refine((matrix) => Object.keys(matrix).length > 0, 'expected at least one name with its values')
    .optional(),
});

/** The place of another playbook's steps. */
export const includeShape = z.strictObject({
  /** a file, relative to this one; its steps stand here */
  include: text(4096).min(1),
});

/** A whole playbook, but for its steps. */
export const playbookShape = z.strictObject({
  /** what it is called; default: the name of the file */
  name: text(200).trim().min(1).optional(),
  /** for people */
  description: text(10_000).optional(),
  /** values of parameters that nobody gives */
  parameters: z.record(z.string(), z.json()).optional(),
  /** variables for the commands of all its steps, those of includes not */
  env,
  /** of all its steps that have none of their own */
  shell,
  /** files whose steps come before its own, as if each was included first */
  includes: z.array(text(4096).min(1)).max(100).optional(),
  /** steps and includes, in their order */
  steps: z.array(z.unknown()).max(maxSteps, `expected at most ${maxSteps} steps`).optional(),
});

/** A step that has the shape. */
export type StepInput = z.output<typeof stepShape>;
/** A playbook that has the shape, but for its steps. */
export type PlaybookInput = z.output<typeof playbookShape>;
