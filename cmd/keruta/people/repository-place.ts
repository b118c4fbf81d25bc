/** Where what a repository keeps for keruta is: in the directory that one stands in, or above. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The nearest directory that has something, from this one up to the top of its repository; the top when none has it.
 * @param directory  absolute
 * @param what  path below a directory, such as `.keruta/skills`
 */
export function placeWith(directory: string, what: string): string {
  const places = upToTop(directory);
  return places.find((at) => existsSync(join(at, what))) ?? places.at(-1) ?? directory;
}

/** A directory, and those above it in its repository; outside of one it is alone: further up may be somebody else's. */
function upToTop(directory: string): readonly string[] {
  const places: string[] = [];
  for (let at = directory; ; at = dirname(at)) {
    places.push(at);
    if (existsSync(join(at, '.git'))) return places;
    if (at === dirname(at)) return [directory];
  }
}
