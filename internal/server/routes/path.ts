import { z } from 'zod';

/** The path of most routes: one id, of whatever form; what it names is looked up. */
export const idPath = z.object({ id: z.string().min(1) });

/** The path of what has a name and an id: either. */
export const namePath = z.object({ name: z.string().min(1).max(200) });

/** A part of a list, as clients ask for it; absent = all of it. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
  offset: z.coerce.number().int().min(0).optional(),
});

/** The page that a query asks for; undefined when it asks for none. */
export function readPage(query: z.output<typeof pageQuery>): { limit: number; offset: number } | undefined {
  if (query.limit === undefined && query.offset === undefined) return undefined;
  return { limit: query.limit ?? 10_000, offset: query.offset ?? 0 };
}
