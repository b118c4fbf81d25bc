import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';

/** A duration as people write it, or a number of seconds; inside ms. */
export const duration = z.union([z.string(), z.number().nonnegative()]).transform((value, context) => {
  const ms = parseDuration(String(value));
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: `expected a duration such as 30s, 5m or 2h, got ${value}` });
  return z.NEVER;
});
