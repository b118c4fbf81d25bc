/** Shapes with a limit whose excess is "too large" (413), not "of another form" (400). */
import { z } from 'zod';

/** Longest message, description or other text that people write; bytes of UTF-8. */
export const maxTextBytes = 64 * 1024;

/** A text of at most 64 KiB. */
export const longText = z
  .string()
  .refine((text) => text.length <= maxTextBytes / 3 || Buffer.byteLength(text) <= maxTextBytes, {
    error: `expected at most ${maxTextBytes} bytes`,
    params: { tooLarge: true },
  });

/** A list of at most so many. */
export function atMost<S extends z.ZodType>(max: number, item: S): z.ZodArray<S> {
  return z.array(item).refine((list) => list.length <= max, {
    error: `expected at most ${max} entries`,
    params: { tooLarge: true },
  });
}
