/** What a trigger of type github takes. */
import { z } from 'zod';
import { maxGlobLength } from '../../../pkg/glob/glob.ts';

const glob = z.string().min(1).max(maxGlobLength);
const globs = z.union([glob, z.array(glob).min(1).max(100)]);
const names = z.array(z.string().min(1).max(200)).min(1).max(100);

/** How it is written. Globs are those of `matchesGlob`. */
export const githubShape = z.strictObject({
  /** `owner/name`, or globs of it: `acme/*` */
  repository: globs,
  /** names of events as GitHub has them: `push`, `pull_request` */
  events: names,
  /** such as `opened`; default: any, and events that have none */
  actions: names.optional(),
  /** the branch that was pushed to, or that a pull request goes to; default: any. With it, events without a branch do not count */
  branches: globs.optional(),
  /** tags whose push counts; default: none, so that a push means a branch */
  tags: globs.optional(),
  /** files that were added, changed or removed; one that matches is enough; default: any */
  paths: globs.optional(),
  /** what happens when `paths` cannot be decided, because nobody knows all the files */
  unknownPaths: z.enum(['run', 'skip']).default('run'),
  /** who did it (the sender), by login; default: anybody */
  authors: globs.optional(),
  /** of the issue or pull request; one is enough */
  labels: globs.optional(),
  /** whether what bots do does not count; what this server's own App does never counts */
  ignoreBots: z.boolean().default(true),
  /** whether pull requests out of other repositories count: their authors decide what runs */
  forks: z.boolean().default(false),
  /** whether pushes that delete count */
  deleted: z.boolean().default(false),
  /** whether forced pushes count */
  forced: z.boolean().default(true),
  /** whether the event's repository is checked out when the session has none of its own */
  checkout: z.boolean().default(true),
  /** what is told back to GitHub: a status of the commit, a comment at the issue or pull request; needs an App */
  report: z
    .array(z.enum(['status', 'comment']))
    .max(2)
    .default([]),
});

/** A definition as it is understood. */
export type GithubSpec = z.output<typeof githubShape>;
