/** Texts of others inside Markdown: shown as they are, whatever they hold. */

/** A text as a block: nothing in it becomes a link, a picture or a person's name. @returns its lines */
export function fenced(text: string): readonly string[] {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(3, ...runs.map((length) => length + 1)));
  return [`${fence}text`, text, fence];
}

/** One line, likewise; a name behind an `@` calls nobody. */
export function plainLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]()#+!|<>~]/g, (sign) => `\\${sign}`)
    .replaceAll('@', '@\u200b');
}
